"""A run ends when its loss is no number, and only then."""

import keras
import numpy as np
import pytest

from keras_bert_zoo.errors import DivergenceError
from keras_bert_zoo.training.callbacks.loss_guard import LossGuard
from keras_bert_zoo.training.callbacks.loss_guard import listed
from keras_bert_zoo.training.model import ReplicatedModel


def fit(optimizer, labels, **options):
    keras.utils.set_random_seed(1)
    inputs = keras.Input((2,))
    model = ReplicatedModel(inputs, keras.layers.Dense(1)(inputs))
    model.compile(optimizer, "mse")
    rows = np.ones((len(labels), 2), "float32")
    model.fit(
        rows,
        np.array(labels, "float32"),
        batch_size=2,
        shuffle=False,
        verbose=0,
        callbacks=[LossGuard()],
        **options,
    )
    return model


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_the_first_bad_step_is_named(value):
    with pytest.raises(DivergenceError) as raised:
        fit("sgd", [1, 2, 3, 4, 5, value, 7, 8])
    loss = "nan" if np.isnan(value) else "inf"
    assert f"Received: {loss} in step 3 of epoch 1. Lower" in str(raised.value)
    assert "backup" not in str(raised.value)


def test_weights_that_explode_are_found():
    with pytest.raises(DivergenceError, match="of epoch"):
        fit(keras.optimizers.SGD(1e18), [1, 2, 3, 4], epochs=9)


def test_a_loss_on_validation_data_is_looked_at():
    odd = np.full((2, 2), np.inf, "float32"), np.ones(2, "float32")
    with pytest.raises(DivergenceError, match="val_loss (nan|inf) after epoch"):
        fit("sgd", [1, 2], validation_data=odd)


def test_weights_after_the_last_step_are_looked_at():
    with pytest.raises(DivergenceError, match="after the last step. Lower"):
        fit(keras.optimizers.SGD(1e30), [1, 2])


def test_steps_that_loss_scaling_skips_stop_nothing():
    optimizer = keras.optimizers.LossScaleOptimizer(
        keras.optimizers.SGD(1e-3), initial_scale=2.0**126
    )
    model = fit(optimizer, [1000, 2000, 3000, 4000])
    assert float(model.optimizer.dynamic_scale.numpy()) < 2.0**126


def test_a_bad_loss_stops_under_loss_scaling_too():
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(1e-3))
    with pytest.raises(DivergenceError, match="nan in step 1 of epoch 1"):
        fit(optimizer, [np.nan, 2])


@pytest.mark.parametrize(
    ("origins", "text"),
    [
        (["a.tsv:3", "a.tsv:17"], "a.tsv:3, 17"),
        (["row 1", "row 2"], "row 1, 2"),
        (["a.tsv:3", "b.tsv:4"], "a.tsv:3, b.tsv:4"),
        (["question x", "question y"], "question x, question y"),
        ([], ""),
    ],
)
def test_origins_are_listed_in_short(origins, text):
    assert listed(origins) == text


def test_long_lists_are_cut():
    text = listed([f"row {n}" for n in range(1, 101)])
    assert text.endswith("63, 64 and 36 more")
