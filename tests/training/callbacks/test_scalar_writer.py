"""TensorBoard finds the numbers of a run."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.util import event_pb2

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.training.callbacks.scalar_writer import ScalarWriter
from keras_bert_zoo.training.callbacks.throughput import Throughput
from keras_bert_zoo.training.model import ReplicatedModel

ROWS = np.array([[1.0, 2.0], [3.0, -1.0]] * 3, "float32")
LABELS = np.array([[1.0], [2.0]] * 3, "float32")


def make_model(scaled=False):
    inputs = keras.Input((2,))
    dense = keras.layers.Dense(1, kernel_initializer="zeros")
    model = ReplicatedModel(inputs, dense(inputs))
    optimizer = keras.optimizers.SGD(0.0, global_clipnorm=0.1)
    if scaled:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    model.compile(optimizer, "mse", metrics=["mae"])
    return model


def fit(model, callbacks, **options):
    return model.fit(
        ROWS,
        LABELS,
        batch_size=2,
        shuffle=False,
        verbose=0,
        callbacks=callbacks,
        **options,
    ).history


def read(folder):
    """Returns tag -> list of (step, value)."""
    found = {}

    # Names end in numbers: the tenth file of a process follows the ninth.
    def numbers(path):
        return [int(part) for part in re.findall(r"\d+", path.name)]

    for path in sorted(folder.iterdir(), key=numbers):
        for record in tf.data.TFRecordDataset(str(path)):
            event = event_pb2.Event.FromString(record.numpy())
            for value in event.summary.value:
                number = float(tf.make_ndarray(value.tensor))
                found.setdefault(value.tag, []).append((event.step, number))
    return found


def test_steps_and_epochs_are_written(tmp_path):
    model = make_model()
    history = fit(
        model,
        [Throughput(), ScalarWriter(tmp_path, every=2)],
        epochs=2,
        validation_data=(ROWS, LABELS),
    )
    train, validation = read(tmp_path / "train"), read(tmp_path / "validation")
    assert [step for step, _ in train["loss"]] == [2, 4, 6]
    assert {"mae", "learning_rate"} < set(train)
    assert "loss_scale" not in train
    for name, tags in (("loss", train), ("val_loss", validation)):
        assert [step for step, _ in tags["epoch_loss"]] == [3, 6]
        values = [value for _, value in tags["epoch_loss"]]
        assert values == pytest.approx(history[name])


@pytest.mark.parametrize("scaled", [False, True])
def test_the_norm_is_that_before_clipping(tmp_path, scaled):
    fit(make_model(scaled), [ScalarWriter(tmp_path, every=1)])
    train = read(tmp_path / "train")
    # All predictions are 0: -2 (y - 0) x, in the mean of two rows.
    kernel = -np.mean(2 * LABELS[:2] * ROWS[:2], axis=0)
    bias = -np.mean(2 * LABELS[:2])
    norm = np.sqrt(np.sum(kernel**2) + bias**2)
    values = [value for _, value in train["gradient_norm"]]
    assert values == pytest.approx([norm] * 3, rel=1e-6)
    scales = [value for _, value in train.get("loss_scale", [])]
    assert scales == [2.0**15] * (3 if scaled else 0)


def test_a_resumed_run_goes_on_in_its_curves(tmp_path):
    model = make_model()
    writer = ScalarWriter(tmp_path / "first", every=1)
    fit(model, [writer])
    resumed = ScalarWriter(tmp_path / "second", every=1)
    resumed.restore_state(writer.backup_state())
    fit(model, [resumed])
    train = read(tmp_path / "second" / "train")
    assert [step for step, _ in train["loss"]] == [4, 5, 6]


def test_a_run_goes_on_where_curves_cannot_be_written(tmp_path, caplog):
    """From its second step to the end of its second epoch."""
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    steps = []

    def limit(batch, logs):
        steps.append(batch)
        size = 0 if 2 <= len(steps) <= 6 else limits[0]
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))

    limited = keras.callbacks.LambdaCallback(on_train_batch_begin=limit)
    writer = ScalarWriter(tmp_path, every=1)
    try:
        with caplog.at_level("WARNING"):
            history = fit(
                make_model(),
                [limited, writer],
                epochs=4,
                validation_data=(ROWS, LABELS),
            )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert len(history["loss"]) == 4
    assert caplog.text.count("The curves were not written") == 1
    assert "File too large\n" in caplog.text
    train, validation = read(tmp_path / "train"), read(tmp_path / "validation")
    assert [step for step, _ in train["loss"]] == [1, 10, 11, 12]
    for tags in (train, validation):
        assert [step for step, _ in tags["epoch_loss"]] == [9, 12]


@pytest.mark.slow
def test_nothing_is_computed_that_nobody_watches():
    model = make_model()
    fit(model, [Throughput()])
    assert model.step_counters().gradient_norm is None
    model.step_counters(gradient_norm=True)
    fit(model, [])
    assert float(model.step_counters().gradient_norm.numpy()) > 0


@pytest.mark.parametrize("every", [0, -1, 2.0, True, "2"])
def test_steps_between_values_are_a_whole_number(tmp_path, every):
    message = f"`every` must be a whole number, at least 1.*every={every!r}"
    with pytest.raises(InputError, match=message):
        ScalarWriter(tmp_path, every=every)
