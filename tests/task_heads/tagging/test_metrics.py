"""Metrics in training: equal to the scores of sentences, also under XLA."""

import numpy as np
import pytest
import tensorflow as tf

from task_heads.tagging.metrics import SpanF1
from task_heads.tagging.metrics import WordAccuracy
from task_heads.tagging.scores import entity_scores
from task_heads.tagging.scores import token_accuracy

LABELS = ["O", "B-x", "I-x", "B-y", "I-y"]


def batches():
    random = np.random.default_rng(0)
    for length in (1, 2, 9, 9):
        shape = (16, length)
        truth = random.integers(0, len(LABELS), shape).astype("int32")
        # Half of them right, so that some spans are.
        guess = np.where(
            random.random(shape) < 0.7,
            truth,
            random.integers(0, len(LABELS), shape),
        )
        is_word = random.random(shape) < 0.7
        is_word[0] = False
        yield truth, np.eye(5, dtype="float32")[guess], is_word


def sentences(tags, is_word):
    return [
        [LABELS[tag] for tag in row[words]] for row, words in zip(tags, is_word)
    ]


@pytest.mark.parametrize(
    "jit_compile", [False, pytest.param(True, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize(
    "transitions", [True, pytest.param(False, marks=pytest.mark.slow)]
)
def test_metrics_equal_the_scores_of_sentences(jit_compile, transitions):
    f1, accuracy = SpanF1(LABELS, "IOB2"), WordAccuracy()

    @tf.function(jit_compile=jit_compile)
    def update(*values):
        f1.update_state(*values)
        accuracy.update_state(*values)

    truth, guess = [], []
    for tags, logits, is_word in batches():
        outputs = logits
        if transitions:
            shape = (*logits.shape[:2], len(LABELS) + 1, len(LABELS))
            outputs = np.broadcast_to(logits[:, :, None], shape)
        update(
            tf.constant(tags),
            tf.constant(outputs),
            tf.constant(is_word, tf.float32),
        )
        truth += sentences(tags, is_word)
        guess += sentences(logits.argmax(-1), is_word)
    expected = entity_scores(truth, guess)["micro"]["f1"]
    assert 0.2 < expected < 0.9
    assert float(f1.result()) == pytest.approx(expected)
    assert float(accuracy.result()) == pytest.approx(
        token_accuracy(truth, guess)
    )


def test_accuracy_heeds_what_words_weigh():
    metric = WordAccuracy()
    metric.update_state(
        tf.constant([[1, 2, 0]]),
        tf.one_hot([[1, 0, 0]], len(LABELS)),
        tf.constant([[0.5, 1.5, 0.0]]),
    )
    assert float(metric.result()) == pytest.approx(0.25)


def test_f1_takes_no_dynamic_shapes():
    """A bounded-dynamic dimension compiles on CPU, and not on a TPU."""
    metric = SpanF1(LABELS, "IOB2")
    tags, logits, is_word = next(batches())
    update = tf.function(metric.update_state, jit_compile=True)
    text = update.experimental_get_compiler_ir(
        tf.constant(tags),
        tf.constant(logits),
        tf.constant(is_word, tf.float32),
    )(stage="hlo")
    assert "ENTRY" in text
    assert "<=" not in text
