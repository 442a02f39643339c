"""Training of an encoder is continued with another vocabulary."""

import keras
import numpy as np
import pytest

import keras_bert_zoo as zoo
from keras_bert_zoo.checkpoints import HeadWeights
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.pretraining.vocabulary_transfer import head_with_vocabulary
from keras_bert_zoo.pretraining.vocabulary_transfer import spelled_by
from keras_bert_zoo.pretraining.vocabulary_transfer import with_vocabulary
from keras_bert_zoo.tokenization import Tokenizer
from keras_bert_zoo.tokenization.wordpiece.vocabulary import Vocabulary

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
BEFORE = [*SPECIAL, "walk", "talk", "##ed", "##ing", "ing", "##s", "s", "e"]


def spelled(tokens, before=BEFORE):
    """Returns the old tokens of each new one that is no special one."""
    found = spelled_by(
        zoo.BertTokenizer(before, True),
        zoo.BertTokenizer([*SPECIAL, *tokens], True),
    )
    assert found[: len(SPECIAL)] == [(index,) for index in range(5)]
    return [[before[index] for index in ids] for ids in found[len(SPECIAL) :]]


@pytest.mark.parametrize(
    ("token", "parts"),
    [
        ("talk", ["talk"]),
        ("##ing", ["##ing"]),
        ("walked", ["walk", "##ed"]),
        # Not "ing", which begins a word.
        ("##ings", ["##ing", "##s"]),
        # No old token continues a word with it.
        ("##talked", ["talk", "##ed"]),
        ("xyz", ["[UNK]"]),
        # The tokenizer before drops accents.
        ("\u0301", ["[MASK]"]),
    ],
)
def test_a_token_is_spelled_by_old_ones(token, parts):
    assert spelled([token]) == [parts]


def test_special_tokens_are_found_by_role():
    names = ["<s>", "</s>", "<pad>", "<mask>", "<unk>", "talk"]
    roles = dict(
        start="<s>",
        separator="</s>",
        padding="<pad>",
        mask="<mask>",
        unknown="<unk>",
    )
    found = spelled_by(
        zoo.BertTokenizer(BEFORE, True),
        zoo.BertTokenizer(Vocabulary(names, **roles), True),
    )
    parts = [BEFORE[ids[0]] for ids in found]
    assert parts[:4] == ["[CLS]", "[SEP]", "[PAD]", "[MASK]"]
    assert parts[5] == "talk"


def test_embeddings_and_biases_are_means():
    given = zoo.BertEncoder(4, 2, 2, 8, 16)
    parts = [(2,), (0, 3), (1,)]
    encoder = with_vocabulary(given, parts)
    old, new = (
        keras.ops.convert_to_numpy(one.token_embedding)
        for one in (given, encoder)
    )
    expected = np.stack([old[2], (old[0] + old[3]) / 2, old[1]])
    assert new == pytest.approx(expected, abs=1e-6)
    for mine, theirs in zip(encoder.weights, given.weights, strict=True):
        if mine is not encoder.token_embedding:
            assert np.array_equal(mine, theirs), mine.path
    bias = np.array([1.0, 2.0, 3.0, 4.0], "float32")
    head = HeadWeights("masked_lm", [], {"output_bias": bias}, {})
    found = head_with_vocabulary(head, parts).weights["output_bias"]
    assert found.tolist() == [3, 2.5, 2]


def test_the_same_tokens_in_another_order_change_nothing(tmp_path):
    tokenizer = zoo.BertTokenizer(BEFORE, True)
    model = zoo.PretrainingModel(
        zoo.BertEncoder(len(BEFORE), 1, 2, 8, 16), "masked_lm", tokenizer, 16
    )
    bias = model.get_layer("logits").head.output_bias
    bias.assign(np.arange(len(BEFORE)))
    model.save_to_preset(tmp_path / "model")
    order = [*range(5), *reversed(range(5, len(BEFORE)))]
    other = zoo.PretrainingModel.from_preset(
        tmp_path / "model",
        tokenizer=zoo.BertTokenizer([BEFORE[index] for index in order], True),
    )
    for mine, theirs in (
        (other.encoder.token_embedding, model.encoder.token_embedding),
        (other.get_layer("logits").head.output_bias, bias),
    ):
        assert np.asarray(mine) == pytest.approx(np.asarray(theirs)[order])


def test_what_is_no_tokenizer_is_refused(tmp_path):
    zoo.save_preset(
        zoo.BertEncoder(len(BEFORE), 1, 2, 8, 16),
        zoo.BertTokenizer(BEFORE, True),
        tmp_path / "model",
    )
    with pytest.raises(InputError, match="load_tokenizer"):
        zoo.PretrainingModel.from_preset(tmp_path / "model", tokenizer="words")


def test_a_tokenizer_that_knows_no_words_is_refused():
    class Plain(zoo.BertTokenizer):
        continues_word = Tokenizer.continues_word

    with pytest.raises(InputError, match="where words begin.*vocabulary"):
        spelled_by(zoo.BertTokenizer(BEFORE, True), Plain(BEFORE, True))
