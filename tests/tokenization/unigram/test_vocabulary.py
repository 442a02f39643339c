"""Unigram pieces as ALBERT's libraries read them."""

import keras_hub
import pytest
import sentencepiece
import tokenizers

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.tokenization.unigram import vocabulary
from keras_bert_zoo.tokenization.unigram.vocabulary import UnigramVocabulary

TEXTS = ["Talks, talkers and talking; he talks.", "A naïve ﬁne  café ½ !"] * 3
SIZE = 60


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    path = tmp_path_factory.mktemp("words")
    UnigramVocabulary.trained_on(TEXTS, SIZE, reserved=["[E1]"]).save(path)
    return path


@pytest.fixture(scope="module")
def tokenizer(directory):
    return tokenizers.Tokenizer.from_file(str(directory / "tokenizer.json"))


@pytest.fixture(scope="module")
def pieces(directory):
    return sentencepiece.SentencePieceProcessor(
        model_file=str(directory / "spiece.model")
    )


def test_the_special_tokens_are_albert_s(pieces):
    first = [pieces.id_to_piece(id) for id in range(6)]
    assert first == [*vocabulary.SPECIAL_TOKENS, "[E1]"]
    assert pieces.unk_id() == 1


def test_pairs_have_albert_s_template(tokenizer):
    found = tokenizer.encode("talks", "talks")
    tokens, half = found.tokens, len(found.tokens) // 2
    assert (tokens[0], tokens[half], tokens[-1]) == ("[CLS]", "[SEP]", "[SEP]")
    assert found.type_ids == [0] * (half + 1) + [1] * half


def test_case_and_accents_are_dropped_or_kept(tokenizer):
    def tokens(tokenizer, text):
        return tokenizer.encode(text, add_special_tokens=False).tokens

    assert tokens(tokenizer, "Café") == tokens(tokenizer, "cafe")
    cased = UnigramVocabulary.trained_on(TEXTS, SIZE, cased=True)
    assert "▁" + "Café" == "".join(tokens(cased._fast_tokenizer(), "Café"))


def test_a_text_is_decoded_from_its_pieces(tokenizer):
    ids = tokenizer.encode("he talks", add_special_tokens=False).ids
    assert tokenizer.decode(ids) == "he talks"


def test_a_reserved_token_is_found_in_a_text(tokenizer, pieces):
    assert tokenizer.encode("he [E1] talks").ids.count(5) == 1
    assert pieces.encode("he [E1] talks").count(5) == 1


def test_keras_hub_gives_the_same_ids(directory, tokenizer):
    other = keras_hub.models.AlbertTokenizer(str(directory / "spiece.model"))
    ids = tokenizer.encode("he talks, talking", add_special_tokens=False).ids
    assert other("he talks, talking").tolist() == ids


def test_what_occurs_less_often_is_no_piece():
    texts = ["abab abab abab abab", "cdcd", "cdcd"]

    def longer(min_frequency):
        learned = UnigramVocabulary.trained_on(
            texts, 30, min_frequency=min_frequency
        )
        vocab = learned._fast_tokenizer().get_vocab()
        return [one for one in vocab if "c" in one and len(one) > 1]

    assert longer(min_frequency=2)
    assert not longer(min_frequency=5)


def test_one_order_of_equal_pieces_is_as_good_as_another():
    learned = UnigramVocabulary.trained_on(TEXTS, SIZE)
    assert learned.agree([7, 8, 7], [7, 7, 8])
    assert not learned.agree([7, 8, 7], [7, 8, 8])


def test_texts_without_a_character_are_refused():
    with pytest.raises(InputError, match="nothing to learn from"):
        UnigramVocabulary.trained_on(["\u200b\x01"], SIZE)
