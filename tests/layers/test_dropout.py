"""Dropout on one device."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.layers import Dropout

ONES = np.ones((40, 50), "float32")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_as_many_are_zeroed_in_any_type(dtype):
    values = keras.ops.ones((1001, 999), dtype)
    layer = Dropout(0.1, seed=7)
    found = keras.ops.convert_to_numpy(
        keras.ops.cast(layer(values, training=True), "float32")
    )
    assert found.shape == values.shape
    # Five standard deviations of a million draws.
    assert np.mean(found == 0) == pytest.approx(0.1, abs=0.0015)
    assert np.unique(found) == pytest.approx([0, 1 / 0.9], rel=1e-2)
    # Neighbors, whose numbers are of one word, are drawn apart.
    pairs = (found.ravel()[:-1:2] == 0) & (found.ravel()[1::2] == 0)
    assert np.mean(pairs) == pytest.approx(0.01, abs=0.0008)


def test_a_seed_repeats_the_draws_and_calls_differ():
    one, twin = Dropout(0.3, seed=7), Dropout(0.3, seed=7)
    first, second = (
        [np.asarray(layer(ONES, training=True)) for layer in (one, twin)]
        for _ in range(2)
    )
    np.testing.assert_array_equal(*first)
    np.testing.assert_array_equal(*second)
    assert not np.array_equal(first[0], second[0])


def test_what_is_zeroed_has_no_gradient():
    values = tf.constant(ONES)
    with tf.GradientTape() as tape:
        tape.watch(values)
        outputs = Dropout(0.3, seed=7)(values, training=True)
    gradient = tape.gradient(outputs, values)
    # Of ones the output is what each was multiplied by.
    np.testing.assert_array_equal(gradient, outputs)


def test_shapes_may_be_unknown():
    layer = Dropout(0.5, seed=7)
    run = tf.function(
        lambda values: layer(values, training=True),
        input_signature=[tf.TensorSpec([None, 3])],
    )
    assert run(tf.ones([5, 3])).shape == (5, 3)
    assert run(tf.ones([0, 3])).shape == (0, 3)


@pytest.mark.parametrize(
    ("rate", "least", "most"),
    [(1e-9, 0, 0), (0.5, 850, 1150), (1 - 1e-9, 1995, 2000)],
)
def test_rates_may_be_near_0_and_1(rate, least, most):
    found = np.asarray(Dropout(rate, seed=7)(ONES, training=True))
    assert least <= np.sum(found == 0) <= most


@pytest.mark.parametrize("rate", [0.0, 0.5])
def test_inference_changes_nothing(rate):
    layer = Dropout(rate)
    np.testing.assert_array_equal(layer(ONES), ONES)
    # Nothing is drawn where nothing is zeroed.
    assert len(layer.non_trainable_variables) == (1 if rate else 0)


@pytest.mark.parametrize("rate", [1.0, -0.1, "half"])
def test_impossible_rates_are_refused(rate):
    with pytest.raises(InputError, match="`dropout` must be at least 0 and"):
        Dropout(rate)


def test_masks_and_types_pass():
    ids = keras.Input((3,), dtype="int32")
    embedded = keras.layers.Embedding(5, 4, mask_zero=True)(ids)
    layer = Dropout(0.5, dtype="mixed_bfloat16")
    outputs = layer(embedded)
    assert outputs.dtype == "bfloat16" and outputs.shape == (None, 3, 4)
    assert layer.supports_masking


def test_it_is_saved_with_a_model(tmp_path):
    model = keras.Sequential([keras.Input((4,)), Dropout(0.25, seed=3)])
    model.save(tmp_path / "model.keras")
    twin = keras.saving.load_model(tmp_path / "model.keras")
    assert (twin.layers[0].rate, twin.layers[0].seed) == (0.25, 3)
