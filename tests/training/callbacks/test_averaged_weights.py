"""Averages of the weights, at the end of each epoch and of a run."""

import keras
import numpy as np
import pytest

from keras_bert_zoo.training.callbacks.averaged_weights import AveragedWeights
from keras_bert_zoo.training.model import ReplicatedModel


class Note(keras.callbacks.Callback):
    """Notes the one weight, and what it should be on average."""

    def __init__(self):
        super().__init__()
        self.own, self.averages, self.shown, self.losses = [], [], [], []

    def weight(self):
        return float(self.model.trainable_variables[0].numpy().item())

    def on_train_batch_end(self, batch, logs=None):
        value = self.weight()
        before = self.averages[-1] if self.averages else value
        self.own.append(value)
        self.averages.append(0.5 * before + 0.5 * value)

    def on_epoch_end(self, epoch, logs=None):
        self.shown.append((self.weight(), self.averages[-1]))
        self.losses.append(logs["val_loss"])


def fitted(*callbacks):
    layers = [keras.Input((1,)), keras.layers.Dense(1, use_bias=False)]
    model = keras.Sequential(layers)
    model.set_weights([np.array([[1.0]])])
    # The weight goes down by the rate, in each of two batches an epoch.
    optimizer = keras.optimizers.SGD(0.25, use_ema=True, ema_momentum=0.5)
    model.compile(optimizer, loss=lambda y_true, y_pred: y_pred)
    x = np.ones((2, 1))
    model.fit(
        x,
        x,
        batch_size=1,
        epochs=3,
        validation_data=(x, x),
        callbacks=list(callbacks),
        verbose=0,
    )
    return float(model.get_weights()[0].item())


def test_averages_are_validated_and_kept():
    note = Note()
    last = fitted(AveragedWeights(), note)
    for found, average in note.shown:
        assert found == pytest.approx(average)
    # The loss is the weight.
    averages = [average for _, average in note.shown]
    assert note.losses == pytest.approx(averages)
    assert last == pytest.approx(note.averages[-1])


def test_training_goes_on_with_the_weights_themselves():
    note = Note()
    fitted(AveragedWeights(), note)
    assert note.own == [0.75, 0.5, 0.25, 0.0, -0.25, -0.5]


@pytest.mark.parametrize("patience", [1, 9])
def test_the_best_epoch_is_kept_with_its_averages(patience):
    note = Note()
    # Which stops after the second epoch, or not at all.
    best = keras.callbacks.EarlyStopping(
        "val_loss", mode="max", patience=patience, restore_best_weights=True
    )
    assert fitted(AveragedWeights(), note, best) == pytest.approx(
        note.shown[0][1]
    )
    assert len(note.shown) == (2 if patience == 1 else 3)


def test_stopping_early_keeps_averages():
    note = Note()
    stop = keras.callbacks.EarlyStopping("val_loss", mode="max", patience=1)
    assert fitted(AveragedWeights(), note, stop) == pytest.approx(
        note.averages[3]
    )


def scaled():
    """A model of one weight, 1, whose loss is four times the weight.

    It goes down by the rate in each step but the first two, in which the
    gradient is infinite: 4 * 2**127, 4 * 2**126.
    """
    inputs = keras.Input((1,))
    dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
    model = ReplicatedModel(inputs, dense(inputs))
    optimizer = keras.optimizers.SGD(0.0625, use_ema=True, ema_momentum=0.5)
    model.compile(
        keras.optimizers.LossScaleOptimizer(optimizer, 2.0**127),
        loss=lambda y_true, y_pred: 4.0 * y_pred,
    )
    return model


def fit_scaled(model, epochs, *callbacks):
    """Fits in two steps an epoch, and returns the losses of validation."""
    ones = np.ones((2, 1))
    return model.fit(
        ones,
        ones,
        batch_size=1,
        epochs=epochs,
        validation_data=(ones, ones),
        callbacks=list(callbacks),
        verbose=0,
    ).history["val_loss"]


def test_without_an_update_the_weights_are_their_averages():
    model = scaled()
    best = keras.callbacks.EarlyStopping("val_loss", restore_best_weights=True)
    assert fit_scaled(model, 1, AveragedWeights(), best) == [4.0]
    assert model.get_weights()[0].item() == 1.0
    # The average of 0.75 alone, then with 0.5.
    assert fit_scaled(model, 1, AveragedWeights()) == [4 * 0.625]
    assert model.get_weights()[0].item() == 0.625


def test_weights_that_were_loaded_are_what_averages_begin_with():
    model = scaled()
    model.optimizer.build(model.trainable_variables)
    model.set_weights([np.array([[9.0]])])
    assert fit_scaled(model, 1, AveragedWeights()) == [36.0]
    assert model.get_weights()[0].item() == 9.0


def test_schedule_free_averages_begin_with_weights_that_were_loaded():
    inputs = keras.Input((1,))
    dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
    model = ReplicatedModel(inputs, dense(inputs))
    model.compile(keras.optimizers.ScheduleFreeAdamW(1e-3), "mse")
    model.set_weights([np.array([[5.0]])])
    model.fit(np.ones((2, 1)), np.zeros((2, 1)), batch_size=1, verbose=0)
    assert model.get_weights()[0].item() == pytest.approx(5.0, abs=3e-3)
