"""Losses are what Keras makes of them, in whatever form they are given."""

import copy
import pathlib

import keras
import loss_forms
import numpy as np
import programs
import pytest
import two_devices

from keras_bert_zoo.training.losses import WeightedMean
from keras_bert_zoo.training.model import ReplicatedModel

TOLERANCE = 2e-5


FAST = ("class left out, weights",)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in FAST else pytest.mark.slow)
        for name in loss_forms.FORMS
    ],
)
def test_one_device_computes_what_keras_does(name):
    ours, theirs = (
        loss_forms.fitted(base, name) for base in (ReplicatedModel, keras.Model)
    )
    for found in (*ours[:2], *theirs[:2]):
        for part in loss_forms.PARTS:
            found.pop(part, None)
    assert two_devices.difference(ours, theirs) <= TOLERANCE


@pytest.mark.slow
def test_two_devices_compute_what_one_does():
    program = pathlib.Path(__file__).with_name("losses_on_two_devices.py")
    ((found, sums, refusal),) = programs.run(program)
    assert list(found) == list(loss_forms.FORMS)
    # Neither too far, nor no number.
    assert [n for n in found if not found[n] <= TOLERANCE] == []
    assert sums[1] == pytest.approx(sums[0], rel=TOLERANCE)
    assert "with predictions with a mask. Give sample weights" in refusal


@pytest.mark.slow
def test_masks_count_on_one_device():
    ids = loss_forms.TAGS % 3
    scores = []
    for base in (ReplicatedModel, keras.Model):
        keras.utils.set_random_seed(1)
        inputs = keras.Input((6,), dtype="int32")
        vectors = keras.layers.Embedding(3, 4, mask_zero=True)(inputs)
        model = base(inputs, keras.layers.Dense(3)(vectors))
        model.compile("sgd", loss_forms.cross_entropy())
        scores.append(model.evaluate(ids, ids, verbose=0))
    assert scores[0] == pytest.approx(scores[1], rel=1e-5)


def test_metrics_of_numbers_are_those_of_all_rows():
    model = loss_forms.make_model(
        ReplicatedModel,
        "flat",
        "mse",
        metrics=["mae"],
        weighted_metrics=["mse"],
    )
    labels, weights = loss_forms.SCORES[:, 0], loss_forms.WEIGHTS
    found = model.evaluate(
        loss_forms.ROWS,
        labels,
        sample_weight=weights,
        batch_size=loss_forms.BATCH_SIZE,
        verbose=0,
        return_dict=True,
    )
    errors = model.predict(loss_forms.ROWS, verbose=0) - labels
    assert found["mae"] == pytest.approx(np.mean(np.abs(errors)), rel=1e-5)
    weighted = np.average(errors**2, weights=weights)
    assert found["mse"] == pytest.approx(weighted, rel=1e-5)


def test_outputs_may_share_a_loss():
    own = WeightedMean(
        keras.losses.MeanSquaredError(reduction="mean_with_sample_weight"),
        divisor="mean_batch",
    )
    labels = [np.zeros((4, 3)), np.zeros((4, 1))]
    weights = [np.ones(4), np.float32([1.0, 0.0, 0.0, 0.0])]
    found = []
    for losses in ([own, own], [own, copy.copy(own)]):
        model = loss_forms.make_model(ReplicatedModel, "list", losses)
        found.append(
            model.train_on_batch(
                loss_forms.ROWS[:4], labels, weights, return_dict=True
            )
        )
    assert found[0] == pytest.approx(found[1])


def test_a_generator_loses_no_batch():
    model = loss_forms.make_model(ReplicatedModel, "b", "mse")
    batches = ((loss_forms.ROWS, loss_forms.SCORES) for _ in range(5))
    model.fit(batches, verbose=0)
    assert int(model.optimizer.iterations) == 5
