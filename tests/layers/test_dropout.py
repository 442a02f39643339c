"""Dropout against Keras's own, on one device."""

import keras
import numpy as np
import pytest

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.layers import Dropout

ONES = np.ones((40, 50), "float32")


def test_it_draws_what_keras_draws():
    ours, theirs = Dropout(0.3, seed=7), keras.layers.Dropout(0.3, seed=7)
    for _ in range(2):
        found = keras.ops.convert_to_numpy(ours(ONES, training=True))
        expected = keras.ops.convert_to_numpy(theirs(ONES, training=True))
        np.testing.assert_array_equal(found, expected)
    assert 0.2 < np.mean(found == 0) < 0.4


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
