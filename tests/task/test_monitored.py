"""Callbacks know which way what they watch is better."""

import every_head
import keras
import pytest

from keras_bert_zoo.task.epoch_score import EpochScore
from keras_bert_zoo.task.fit_inputs import set_monitor_modes


def modes(model, *monitors, kind=keras.callbacks.EarlyStopping):
    callbacks = [kind(name) for name in monitors]
    set_monitor_modes(model, callbacks)
    return [one.mode for one in callbacks]


@pytest.fixture(scope="module")
def model():
    head, _ = every_head.HEADS["several tasks"]
    model = every_head.make_model(head())
    model.compile()
    return model


def test_losses_and_metrics_of_one_output_are_known(model):
    monitors = ["val_mood_loss", "val_slots_f1", "mood_accuracy"]
    assert modes(model, *monitors) == ["min", "max", "max"]


def test_what_is_not_known_is_left_to_keras(model):
    assert modes(model, "val_loss", "val_mood_kappa") == ["auto", "auto"]


@pytest.mark.parametrize(
    ("name", "mode"),
    [("spearman", "max"), ("rmse", "auto"), ("loss", "auto")],
)
def test_a_named_score_is_better_the_higher_unless_keras_knows(name, mode):
    head, rows = every_head.HEADS["score"]
    model = every_head.make_model(head())
    model.compile()
    stop = keras.callbacks.EarlyStopping(f"val_{name}")
    set_monitor_modes(model, [EpochScore(rows, name=name), stop])
    assert stop.mode == mode


def test_what_was_asked_for_stays(model):
    callback = keras.callbacks.EarlyStopping("val_mood_loss", mode="max")
    set_monitor_modes(model, [callback, keras.callbacks.History()])
    assert callback.mode == "max"


def test_metrics_that_the_user_chose_are_known():
    head, _ = every_head.HEADS["several tasks"]
    model = every_head.make_model(head())
    error = keras.metrics.MeanSquaredError(name="error")
    model.compile(
        weighted_metrics=None, metrics={"mood": ["acc", "mse", error]}
    )
    monitors = ["val_mood_acc", "val_mood_mse", "val_mood_error"]
    assert modes(model, *monitors) == ["max", "auto", "min"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "monitor"),
    [
        ("several tasks", "val_mood_accuracy"),
        ("several tasks", "val_slots_loss"),
        ("span QA", "val_start_logits_loss"),
        ("span QA", "val_f1"),
    ],
)
def test_runs_stop_by_what_keras_does_not_know(name, monitor):
    head, rows = every_head.HEADS[name]
    model = every_head.make_model(head())
    stop = keras.callbacks.EarlyStopping(monitor, patience=9)
    model.fit(
        rows,
        epochs=1,
        validation_data=rows,
        callbacks=[EpochScore(rows), stop],
        verbose=0,
    )
    assert stop.best is not None
