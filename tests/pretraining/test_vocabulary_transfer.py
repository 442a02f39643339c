"""A trained encoder goes on with another vocabulary."""

import keras
import numpy as np
import pytest

import keras_bert_zoo as zoo
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.pretraining.vocabulary_transfer import with_vocabulary
from keras_bert_zoo.tokenization import Tokenizer

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
BEFORE = [*SPECIAL, "walk", "talk", "##ed", "##ing", "ing", "##s", "s", "e"]
AFTER = [*SPECIAL, "talk", "walked", "##ing", "##ings", "xyz", "\u0301"]


def test_new_tokens_are_the_mean_of_those_before():
    before, after = (
        zoo.BertTokenizer(BEFORE, True),
        zoo.BertTokenizer(AFTER, True),
    )
    given = zoo.BertEncoder(len(BEFORE), 1, 2, 8, 16)
    encoder = with_vocabulary(given, before, after)
    old, new = (
        dict(zip(tokens, keras.ops.convert_to_numpy(one.token_embedding)))
        for tokens, one in ((BEFORE, given), (AFTER, encoder))
    )
    assert len(new) == len(AFTER)
    for token in (*SPECIAL, "talk", "##ing"):
        assert np.array_equal(new[token], old[token])
    expected = {
        "walked": ["walk", "##ed"],
        # Not "ing", which begins a word.
        "##ings": ["##ing", "##s"],
        "xyz": ["[UNK]"],
        # The tokenizer before strips accents.
        "\u0301": ["[MASK]"],
    }
    for token, parts in expected.items():
        mean = np.mean([old[part] for part in parts], axis=0)
        assert new[token] == pytest.approx(mean, abs=1e-6), token


def test_all_other_weights_are_copied():
    given = zoo.BertEncoder(len(BEFORE), 2, 2, 8, 16)
    encoder = with_vocabulary(
        given, zoo.BertTokenizer(BEFORE, True), zoo.BertTokenizer(AFTER, True)
    )
    pairs = list(zip(encoder.weights, given.weights, strict=True))
    changed = [
        mine.path
        for mine, theirs in pairs
        if mine.shape != theirs.shape or not np.array_equal(mine, theirs)
    ]
    assert changed == [encoder.token_embedding.path]


def test_a_tokenizer_that_knows_no_words_is_refused():
    class Plain(zoo.BertTokenizer):
        continues_word = Tokenizer.continues_word

    given = zoo.BertEncoder(len(BEFORE), 1, 2, 8, 16)
    with pytest.raises(InputError, match="where words begin.*vocabulary"):
        with_vocabulary(
            given, zoo.BertTokenizer(BEFORE, True), Plain(AFTER, True)
        )
