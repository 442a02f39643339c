"""A function's own gradient, as each Keras backend asks for it."""

import keras
import tensorflow as tf

from keras_bert_zoo.layers import own_gradient


def doubled(values):
    return 2 * values, lambda upstream: 10 * upstream


def test_tensorflow_takes_it():
    values = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(values)
        outputs = own_gradient.own_gradient(doubled)(values)
    assert float(outputs) == 6
    assert float(tape.gradient(outputs, values)) == 10


def test_inputs_may_be_given_beside_the_upstream_gradient(monkeypatch):
    # As Keras does on PyTorch.
    monkeypatch.setattr(keras.ops, "custom_gradient", lambda function: function)
    outputs, gradient = own_gradient.own_gradient(doubled)(3.0)
    assert outputs == 6
    assert gradient(1.0) == gradient(3.0, upstream=1.0) == 10
