"""AdamW against Keras' own and against numbers worked by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo.training.optimizers.layerwise import AdamW


def variables():
    return [
        keras.Variable(np.array([[1.0, -2.0], [3.0, 4.0]]), name="kernel"),
        keras.Variable(np.array([0.5, -0.5]), name="output_bias"),
    ]


def steps(optimizer, dense=True):
    weights = variables()
    rng = np.random.default_rng(0)
    for _ in range(5):
        gradient = tf.constant(rng.normal(size=(2, 2)), "float32")
        if not dense:
            gradient = tf.IndexedSlices(
                tf.concat([gradient * 0.25, gradient * 0.75], 0),
                tf.constant([0, 1, 0, 1]),
                tf.constant([2, 2], tf.int64),
            )
        bias = tf.constant(rng.normal(size=(2,)), "float32")
        optimizer.apply([gradient, bias], weights)
    return [weight.numpy() for weight in weights]


def test_equals_keras_adamw_with_the_same_exclusions():
    reference = keras.optimizers.AdamW(0.1, weight_decay=0.3, epsilon=1e-6)
    reference.exclude_from_weight_decay(var_names=["bias"])
    # The fused kernel takes 1 - beta in float32, Keras in float64.
    for ours, theirs in zip(steps(AdamW(0.1, 0.3)), steps(reference)):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_repeated_rows_equal_their_sum():
    for sparse, dense in zip(
        steps(AdamW(0.1, 0.3), dense=False), steps(AdamW(0.1, 0.3))
    ):
        np.testing.assert_allclose(sparse, dense, atol=1e-6)


@pytest.mark.parametrize("name", ["qkv_bias", "bias", "gamma", "beta"])
def test_biases_and_layer_norms_are_not_decayed(name):
    weight = keras.Variable(np.ones(2), name=name)
    AdamW(0.1, weight_decay=0.5).apply([tf.zeros(2)], [weight])
    np.testing.assert_array_equal(weight.numpy(), [1.0, 1.0])


@pytest.mark.parametrize("name", ["kernel", "token_embedding"])
def test_kernels_and_tables_are_decayed(name):
    weight = keras.Variable(np.ones(2), name=name)
    AdamW(0.1, weight_decay=0.5).apply([tf.zeros(2)], [weight])
    np.testing.assert_allclose(weight.numpy(), [0.95, 0.95], rtol=1e-6)


def test_first_step_by_hand():
    weight = keras.Variable(np.array([1.0]), name="bias")
    AdamW(0.1, epsilon=1e-12).apply([tf.constant([4.0])], [weight])
    np.testing.assert_allclose(weight.numpy(), [0.9], rtol=1e-6)


def test_state_survives_a_keras_file(tmp_path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(AdamW(0.1), "mse")
    x, y = np.ones((4, 2)), np.zeros((4, 1))
    model.train_on_batch(x, y)
    model.save(tmp_path / "model.keras")
    twin = keras.saving.load_model(tmp_path / "model.keras")
    model.train_on_batch(x, y)
    twin.train_on_batch(x, y)
    for ours, theirs in zip(twin.get_weights(), model.get_weights()):
        np.testing.assert_array_equal(ours, theirs)
