"""Metrics of masked tokens, over batches of several widths, by NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo.pretraining.metrics import Perplexity
from keras_bert_zoo.pretraining.metrics import TokenAccuracy
from keras_bert_zoo.pretraining.metrics import TokenLoss
from keras_bert_zoo.pretraining.metrics import surprise

NUM_TOKENS = 5000


def batches():
    """Yields truth, logits and weights: of few places, right; of many, not."""
    random = np.random.default_rng(0)
    for num_places, right in ((2, 0.9), (1, 0.5), (10, 0.1)):
        shape = (4, num_places)
        truth = random.integers(0, NUM_TOKENS, shape)
        logits = random.normal(size=(*shape, NUM_TOKENS))
        is_right = random.random(shape) < right
        logits[is_right, truth[is_right]] += 20.0
        weights = random.choice([0.0, 0.5, 1.0], shape)
        yield truth, logits.astype("float32"), weights.astype("float32")


def expected(weigh):
    """Returns perplexity and accuracy by definition."""
    surprise = total = right = 0.0
    for truth, logits, weights in batches():
        weights = np.broadcast_to(weigh(weights), weights.shape)
        logits = logits.astype("float64")
        own = np.take_along_axis(logits, truth[..., None], -1)[..., 0]
        all_tokens = np.log(np.exp(logits).sum(-1))
        surprise += (weights * (all_tokens - own)).sum()
        right += (weights * (logits.argmax(-1) == truth)).sum()
        total += weights.sum()
    return np.exp(surprise / total), right / total


WEIGHTS = {
    "none": np.ones_like,
    "tokens": lambda weights: weights,
    "sequences": lambda weights: np.float32([0.5, 1.0, 0.0, 2.0])[:, None],
}


@pytest.mark.parametrize("kind", WEIGHTS)
def test_tokens_of_all_batches_weigh_alike(kind):
    perplexity, accuracy = Perplexity(), TokenAccuracy()
    for truth, logits, weights in batches():
        given = {
            "none": None,
            "tokens": weights,
            "sequences": WEIGHTS["sequences"](weights)[:, 0],
        }[kind]
        perplexity.update_state(truth, logits, given)
        accuracy.update_state(truth, logits, given)
    found = float(perplexity.result()), float(accuracy.result())
    assert found == pytest.approx(expected(WEIGHTS[kind]), rel=1e-4)


def test_tensorflow_can_tell_that_loss_and_perplexity_are_the_same():
    # It keeps one of two operations on the same inputs; a check of shapes
    # before one of them would make it another.
    @tf.function(
        input_signature=[
            tf.TensorSpec((None, None), tf.int32),
            tf.TensorSpec((None, None, 5), tf.float32),
        ]
    )
    def found(labels, logits):
        return surprise(labels, logits)

    operations = found.get_concrete_function().graph.get_operations()
    assert not [one.name for one in operations if one.control_inputs]


def test_the_loss_is_keras_s():
    logits = np.random.default_rng(0).normal(size=(2, 3, 5)).astype("float32")
    labels = np.array([[0, 4, 2], [1, 1, 3]])
    weights = np.array([[1, 0, 1], [1, 1, 0]], "float32")
    how = {"reduction": "mean_with_sample_weight"}
    theirs = keras.losses.SparseCategoricalCrossentropy(from_logits=True, **how)
    assert float(TokenLoss(**how)(labels, logits, weights)) == pytest.approx(
        float(theirs(labels, logits, weights)), rel=1e-6
    )


def test_the_gradient_of_the_loss_is_softmax_less_the_label():
    logits = tf.constant([[[1e4, 0.0, -1e4], [0.5, -0.5, 0.0]]])
    labels = tf.constant([[2, 1]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        found = surprise(labels, logits)
    total = np.log(np.exp([0.5, -0.5, 0.0]).sum())
    np.testing.assert_allclose(found, [[2e4, total + 0.5]], rtol=1e-6)
    shares = np.exp([0.5, -0.5, 0.0] - total)
    expected = [[[1.0, 0.0, -1.0], shares - [0.0, 1.0, 0.0]]]
    gradient = tape.gradient(found, logits)
    np.testing.assert_allclose(gradient, expected, atol=1e-6)
