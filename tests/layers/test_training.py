"""What layers compute in training, and its gradient, is that of plain parts."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo.layers import Embeddings
from keras_bert_zoo.layers import FeedForward
from keras_bert_zoo.layers import LayerNorm
from keras_bert_zoo.layers import MaskedLMHead
from keras_bert_zoo.layers.activations import activation_function
from keras_bert_zoo.layers.activations import trained_gelu

LAYERS = {
    "feed_forward": lambda dtype: FeedForward(16, dtype=dtype),
    "layer_norm": lambda dtype: LayerNorm(dtype=dtype),
}


def made(name, dtype):
    """Returns a layer of which no weight has the value that it began with."""
    layer = LAYERS[name](dtype)
    layer.build((None, None, 8))
    random = np.random.default_rng(0)
    for weight in layer.weights:
        weight.assign(random.normal(size=weight.shape))
    return layer


def outputs_and_gradients(layer, training, dtype="float32"):
    """Returns outputs, and the gradients of inputs and weights."""
    random = np.random.default_rng(1)
    inputs = tf.cast(3.0 * random.normal(size=(5, 3, 8)), dtype)
    weights = tf.constant(random.normal(size=(5, 3, 8)), "float32")
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = tf.cast(layer(inputs, training=training), "float32")
        loss = tf.reduce_sum(outputs * weights)
    variables = [one.value for one in layer.trainable_variables]
    gradients = tape.gradient(loss, [inputs, *variables])
    return [tf.cast(one, "float32").numpy() for one in (outputs, *gradients)]


@pytest.mark.parametrize("name", LAYERS)
def test_training_changes_neither_outputs_nor_gradients(name):
    layer = made(name, "float32")
    trained = outputs_and_gradients(layer, training=True)
    plain = outputs_and_gradients(layer, training=False)
    for one, other in zip(trained, plain, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", LAYERS)
def test_in_bfloat16_training_is_as_exact_as_its_type(name):
    layer = made(name, "mixed_bfloat16")
    found = outputs_and_gradients(layer, True, "bfloat16")
    expected = outputs_and_gradients(made(name, "float32"), True)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=0.02 * abs(other).max())


def test_rows_and_table_of_token_logits_have_the_gradients_of_a_product():
    draw = np.random.default_rng(0)
    head = MaskedLMHead(7, 4, activation="linear")
    hidden = tf.constant(draw.normal(size=(2, 3, 5)), "float32")
    table = tf.constant(draw.normal(size=(7, 4)), "float32")
    factors = tf.constant(draw.normal(size=(2, 3, 7)), "float32")
    head(hidden, table)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([hidden, table])
        logits = head(hidden, table)
        inner = hidden @ head.transform_kernel + head.transform_bias
        expected = head.layer_norm(inner) @ tf.transpose(table)
        losses = [tf.reduce_sum(logits * factors)]
        losses += [tf.reduce_sum(expected * factors)]
    found, right = (tape.gradient(one, [hidden, table]) for one in losses)
    for one, other in zip(found, right, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_rows_are_cast_rather_than_the_token_table():
    layer = Embeddings(1000, 8, dtype="mixed_bfloat16")
    layer.build((None, None))
    embed = tf.function(lambda ids: layer(ids, tf.zeros_like(ids)))
    graph = embed.get_concrete_function(tf.ones([2, 3], tf.int32)).graph
    casts = [one for one in graph.get_operations() if one.type == "Cast"]
    shapes = {tuple(one.outputs[0].shape) for one in casts}
    assert (2, 3, 8) in shapes
    assert (1000, 8) not in shapes


def test_small_values_of_gelu_survive_in_bfloat16():
    # 1 + erf in bfloat16 would be 0 here, or twice too large.
    inputs = tf.constant([-2.5, -3.0, -3.5], "bfloat16")
    exact = activation_function("gelu")(tf.cast(inputs, "float64"))
    found = tf.cast(trained_gelu(inputs), "float64")
    np.testing.assert_allclose(found, exact, rtol=0.01)


@pytest.mark.parametrize("value", [0.0, 1e-30, -1e-30, 40.0, -40.0, 1e30])
def test_gelu_of_extremes_has_a_finite_gradient(value):
    inputs = tf.constant([value])
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = trained_gelu(inputs)
    expected = keras.ops.gelu(inputs, approximate=False)
    np.testing.assert_allclose(outputs, expected, atol=1e-6)
    slope = 0.5 if abs(value) < 1 else float(value > 0)
    np.testing.assert_allclose(tape.gradient(outputs, inputs), [slope])
