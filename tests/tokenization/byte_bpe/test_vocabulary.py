"""Byte-level BPE as RoBERTa's libraries read it."""

import json

import keras_hub
import pytest
import tokenizers

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.tokenization.byte_bpe import vocabulary
from keras_bert_zoo.tokenization.byte_bpe.vocabulary import ByteBPEVocabulary

TEXTS = ["Talks, talkers and talking; he talks.", "Größe  naïve 東京 🙂\t!"] * 3
SIZE = 300


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    path = tmp_path_factory.mktemp("words")
    ByteBPEVocabulary.trained_on(TEXTS, SIZE, reserved=["[E1]"]).save(path)
    return path


@pytest.fixture(scope="module")
def tokenizer(directory):
    return tokenizers.Tokenizer.from_file(str(directory / "tokenizer.json"))


def test_the_special_tokens_are_roberta_s(directory):
    ids = json.loads((directory / "vocab.json").read_text("utf-8"))
    assert [*ids][:6] == [*vocabulary.SPECIAL_TOKENS, "[E1]"]
    assert (ids["<s>"], ids["<pad>"], ids["</s>"], ids["<unk>"]) == (0, 1, 2, 3)
    assert len(ids) == SIZE


def test_every_text_is_given_back(tokenizer):
    text = "Unseen: ½ \x00 ‮ naïve\n\n  東京 🙂"
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    assert tokenizer.decode(ids, skip_special_tokens=False) == text


def test_pairs_have_roberta_s_template(tokenizer):
    tokens = tokenizer.encode("talks", " talks").tokens
    assert tokens[0] == "<s>"
    assert tokens[-1] == "</s>"
    assert tokens.count("</s>") == 3


def test_a_reserved_token_is_found_in_a_text(tokenizer):
    assert 5 in tokenizer.encode("he [E1] talks").ids


def test_keras_hub_gives_the_same_ids(directory, tokenizer):
    other = keras_hub.models.RobertaTokenizer(
        str(directory / "vocab.json"), str(directory / "merges.txt")
    )
    for text in TEXTS[:2]:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        assert other(text).tolist() == ids


def test_what_occurs_less_often_is_not_merged():
    texts = ["xyxy"] * 9 + ["zwzw"] * 3
    learned = ByteBPEVocabulary.trained_on(texts, SIZE, min_frequency=8)
    assert learned.num_tokens == 5 + 256 + 2


def test_lower_case_is_refused():
    with pytest.raises(InputError, match="keeps case.*cased=False"):
        ByteBPEVocabulary.trained_on(TEXTS, SIZE, cased=False)
