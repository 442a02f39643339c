"""LAMB against the paper in NumPy, and against Keras' own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo.training.optimizers.layerwise import Lamb

START = {
    "kernel": np.array([[1.0, -2.0], [3.0, 4.0]]),
    "bias": np.array([0.5, -0.5]),
}


def gradients():
    random = np.random.default_rng(0)
    for _ in range(5):
        yield {k: random.normal(size=v.shape) for k, v in START.items()}


def updated(optimizer):
    weights = {k: keras.Variable(v, name=k) for k, v in START.items()}
    for found in gradients():
        found = [tf.constant(g, "float32") for g in found.values()]
        optimizer.apply(found, list(weights.values()))
    return {k: weight.numpy() for k, weight in weights.items()}


def published(rate, decay, epsilon=1e-6):
    """Algorithm 2 of the paper, on float64."""
    weights = {k: v.copy() for k, v in START.items()}
    first = {k: 0.0 for k in START}
    second = {k: 0.0 for k in START}
    for step, found in enumerate(gradients(), start=1):
        for k, gradient in found.items():
            first[k] = 0.9 * first[k] + 0.1 * gradient
            second[k] = 0.999 * second[k] + 0.001 * gradient**2
            update = first[k] / (1 - 0.9**step)
            update /= np.sqrt(second[k] / (1 - 0.999**step)) + epsilon
            if k == "kernel":
                update += decay * weights[k]
                length = np.linalg.norm(weights[k])
                update *= length / np.linalg.norm(update)
            weights[k] = weights[k] - rate * update
    return weights


@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_equals_the_paper(decay):
    found, expected = updated(Lamb(0.1, decay)), published(0.1, decay)
    for name, weight in found.items():
        np.testing.assert_allclose(weight, expected[name], atol=1e-5)


def test_kernels_equal_keras_where_nothing_decays():
    ours = updated(Lamb(0.1, 0.0))
    theirs = updated(keras.optimizers.Lamb(0.1, epsilon=1e-6))
    np.testing.assert_allclose(ours["kernel"], theirs["kernel"], atol=1e-5)
    # Which Keras scales too.
    assert np.abs(ours["bias"] - theirs["bias"]).max() > 0.01


@pytest.mark.parametrize("name", ["qkv_bias", "gamma", "beta"])
def test_biases_and_layer_norms_are_updated_as_by_adam(name):
    weight = keras.Variable(np.full(2, 10.0), name=name)
    optimizer = Lamb(0.1, weight_decay=0.5, epsilon=1e-12)
    optimizer.apply([tf.constant([4.0, -4.0])], [weight])
    np.testing.assert_allclose(weight.numpy(), [9.9, 10.1], rtol=1e-5)


def test_an_update_has_the_rates_share_of_the_norm():
    weight = keras.Variable(np.array([3.0, 4.0]), name="kernel")
    Lamb(0.1, 0.0).apply([tf.constant([1.0, 7.0])], [weight])
    moved = np.linalg.norm(weight.numpy() - [3.0, 4.0])
    assert moved == pytest.approx(0.5, rel=1e-5)


def test_a_kernel_of_zeros_moves():
    weight = keras.Variable(np.zeros(2), name="kernel")
    Lamb(0.1, epsilon=1e-12).apply([tf.constant([1.0, -1.0])], [weight])
    np.testing.assert_allclose(weight.numpy(), [-0.1, 0.1], rtol=1e-4)


def test_repeated_rows_equal_their_sum():
    slices = tf.IndexedSlices(
        tf.constant([[1.0, 0.0], [2.0, -4.0]]),
        tf.constant([1, 1]),
        tf.constant([2, 2], tf.int64),
    )
    found = []
    for gradient in (slices, tf.convert_to_tensor(slices)):
        weight = keras.Variable(np.ones((2, 2)), name="embeddings")
        optimizer = Lamb(0.1)
        for _ in range(2):
            optimizer.apply([gradient], [weight])
        found.append(weight.numpy())
    np.testing.assert_array_equal(*found)
