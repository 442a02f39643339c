"""A compiled model with any head is saved and loaded as Keras does it."""

import every_head
import keras
import numpy as np
import pytest

# The others are parts of several tasks, or differ from one in a label's kind.
FAST = ("score",)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in FAST else pytest.mark.slow)
        for name in every_head.HEADS
    ],
)
def test_a_compiled_model_is_loaded(name, tmp_path):
    make_head, _ = every_head.HEADS[name]
    model = every_head.make_model(make_head())
    model.compile("sgd")
    model.save(tmp_path / "model.keras")
    twin = keras.saving.load_model(tmp_path / "model.keras")
    assert twin.compiled
    assert twin.head.get_config() == model.head.get_config()
    pairs = zip(model.get_weights(), twin.get_weights(), strict=True)
    assert all(np.array_equal(*pair) for pair in pairs)
