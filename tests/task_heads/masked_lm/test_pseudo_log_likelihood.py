"""Pseudo-log-likelihoods: equal to a plain loop, whatever the batch."""

import json

import keras
import numpy as np
import pytest

from keras_bert_zoo import testing
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task.model import TaskModel
from task_heads.classification.head import ClassificationHead
from task_heads.masked_lm.head import MaskedTokenHead
from task_heads.masked_lm.pseudo_log_likelihood import pseudo_log_likelihood

TEXTS = ["aa bb cc", "", "dd", "aa zz bb " * 3, "cc dd aa bb", "bb " * 40]


def make_model(head=None, sequence_length=12):
    tokenizer = testing.tiny_tokenizer(["aa bb cc dd"])
    keras.utils.set_random_seed(5)
    encoder = testing.tiny_encoder(
        len(tokenizer.vocabulary), initializer_range=1.0
    )
    return TaskModel(
        encoder, head or MaskedTokenHead(), tokenizer, sequence_length
    )


@pytest.fixture(scope="module")
def model():
    return make_model()


def plain_loop(model, text):
    """One token at a time, through the layers, without any batch."""
    ids = model.tokenizer.tokenize([text]).to_list()[0]
    scores = []
    for place, token in enumerate(ids):
        masked = [2, *ids, 3]
        masked[place + 1] = 4
        row = np.array([masked], "int32")
        logits = model(
            {
                "token_ids": row,
                "segment_ids": row * 0,
                "padding_mask": row * 0 + 1,
                "mask_positions": np.array([[place + 1]], "int32"),
            }
        )
        logits = np.array(logits, "float64")[0, 0]
        scores.append(logits[token] - np.log(np.exp(logits).sum()))
    return scores


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_equals_a_plain_loop(model, batch_size):
    texts = TEXTS[:5]
    found = pseudo_log_likelihood(model, texts, batch_size)
    for text, answer in zip(texts, found, strict=True):
        expected = plain_loop(model, text)
        np.testing.assert_allclose(
            answer["log_probabilities"], expected, atol=1e-5
        )
        assert answer["total"] == pytest.approx(sum(expected), abs=1e-4)
    assert found[0]["tokens"] == ["aa", "bb", "cc"]
    assert found[0]["pseudo_perplexity"] == pytest.approx(
        np.exp(-found[0]["total"] / 3)
    )
    json.dumps(found)


def test_a_text_without_tokens_has_no_perplexity(model):
    assert pseudo_log_likelihood(model, [""]) == [
        {
            "tokens": [],
            "log_probabilities": [],
            "total": 0.0,
            "pseudo_perplexity": None,
        }
    ]
    assert pseudo_log_likelihood(model, []) == []


def test_every_token_of_a_long_text_is_scored_once(model):
    (answer,) = pseudo_log_likelihood(model, TEXTS[5:])
    assert answer["tokens"] == ["bb"] * 40
    # The first token is seen among the ten of the first window.
    first = plain_loop(model, "bb " * 10)[0]
    assert answer["log_probabilities"][0] == pytest.approx(first, abs=1e-5)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["aa", "a [MASK]"], r"without \[MASK\]. Received: 'a \[MASK\]' as te"),
        (["aa", 3], "must be a str without .* Received: 3 as text 2"),
        ("aa", "must be a list of str. Received: str"),
    ],
)
def test_wrong_texts_are_refused(model, texts, message):
    with pytest.raises(InputError, match=message):
        pseudo_log_likelihood(model, texts)


def test_another_head_is_refused():
    model = make_model(ClassificationHead(["a", "b"]))
    with pytest.raises(InputError, match="with the head masked_lm"):
        pseudo_log_likelihood(model, ["aa"])


def test_a_wrong_batch_size_is_refused(model):
    with pytest.raises(InputError, match="at least 1. Received: batch_size=0"):
        pseudo_log_likelihood(model, ["aa"], 0)
