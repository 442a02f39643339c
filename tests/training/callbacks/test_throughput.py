"""Time and tokens of epochs, measured and written."""

import csv
import itertools
import json
import types

import keras
import numpy as np
import pytest

from keras_bert_zoo.training.callbacks import throughput
from keras_bert_zoo.training.callbacks.history_file import HistoryFile
from keras_bert_zoo.training.callbacks.throughput import Throughput
from keras_bert_zoo.training.model import ReplicatedModel

NUM_TOKENS = [3, 4, 2, 1, 4, 2]  # 16 of 24


@pytest.fixture
def clock(monkeypatch):
    """A clock that each look at it moves on by a second."""
    seconds = itertools.count()
    clock = types.SimpleNamespace(monotonic=lambda: float(next(seconds)))
    monkeypatch.setattr(throughput, "time", clock)


@pytest.fixture
def model():
    mask = keras.Input((4,), dtype="int32", name="padding_mask")
    outputs = keras.layers.Dense(1)(keras.ops.cast(mask, "float32"))
    model = ReplicatedModel({"padding_mask": mask}, outputs)
    rate = keras.optimizers.schedules.PolynomialDecay(1.0, 9, 0.1)
    model.compile(keras.optimizers.SGD(rate), "mse")
    return model


def fit(model, callbacks, **options):
    mask = np.arange(4) < np.array(NUM_TOKENS)[:, None]
    return model.fit(
        {"padding_mask": mask.astype("int32")},
        np.zeros((6, 1), "float32"),
        batch_size=2,
        verbose=0,
        callbacks=callbacks,
        **options,
    ).history


def read(path):
    with open(path, newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_tokens_are_counted_without_padding(model, clock):
    history = fit(model, [Throughput()], epochs=2)
    # From the beginning to the third step the clock is looked at three times.
    assert history["tokens_per_second"] == [16 / 3] * 2
    assert history["seconds"] == [4.0] * 2
    assert history["padding_fraction"] == pytest.approx([1 - 16 / 24] * 2)


def test_the_rate_is_that_of_the_last_update(model):
    history = fit(model, [Throughput()], epochs=3)
    assert history["learning_rate"] == pytest.approx([0.8, 0.5, 0.2])


@pytest.mark.slow
def test_a_rate_may_be_a_function(model):
    model.compile(keras.optimizers.SGD(lambda: 0.25), "mse")
    assert fit(model, [Throughput()])["learning_rate"] == [0.25]


def test_an_interrupted_epoch_goes_on(model, clock):
    pace = Throughput()
    pace.restore_state({"seconds": 10.0, "num_tokens": [100, 120]})
    history = fit(model, [pace], epochs=2)
    assert history["seconds"] == [14.0, 4.0]
    assert history["tokens_per_second"] == [116 / 13, 16 / 3]
    assert history["padding_fraction"][0] == pytest.approx(1 - 116 / 144)


class Backup(keras.callbacks.Callback):
    """Keeps the states of another callback after steps and epochs."""

    def __init__(self, other):
        super().__init__()
        self._other = other
        self.states = []

    def on_train_batch_end(self, batch, logs=None):
        self.states.append(self._other.backup_state())

    def on_epoch_end(self, epoch, logs=None):
        self.states.append(self._other.backup_state())


def test_the_state_is_that_of_the_unfinished_epoch(model, clock):
    pace = Throughput()
    backup = Backup(pace)
    fit(model, [pace, backup], epochs=2, shuffle=False)
    first = [
        {"seconds": 1.0, "num_tokens": [7, 8]},
        {"seconds": 2.0, "num_tokens": [10, 16]},
        {"seconds": 3.0, "num_tokens": [16, 24]},
        {"seconds": 0.0, "num_tokens": [0, 0]},
    ]
    assert backup.states == first * 2


def test_the_file_has_a_row_for_each_epoch(model, tmp_path):
    path = tmp_path / "run" / "history.csv"
    history = fit(model, [Throughput(), HistoryFile(path)], epochs=2)
    rows = read(path)
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert set(rows[0]) == {"epoch", *history}
    for name, values in history.items():
        assert [float(row[name]) for row in rows] == values
    columns = ["epoch", "loss", *throughput.MEASURES]
    assert list(rows[0]) == columns


def test_a_resumed_file_has_no_gaps_or_doubles(model, tmp_path):
    path = tmp_path / "history.csv"
    first = HistoryFile(path)
    fit(model, [first], epochs=2)
    state = json.loads(json.dumps(first.backup_state()))
    before = read(path)
    # The epoch after the backup is lost, and trained once more.
    fit(model, [first], initial_epoch=2, epochs=3)
    resumed = HistoryFile(path)
    resumed.restore_state(state)
    fit(model, [resumed], initial_epoch=2, epochs=4)
    rows = read(path)
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert rows[:2] == before


def test_another_fit_starts_anew(model, tmp_path):
    file = HistoryFile(tmp_path / "history.csv")
    fit(model, [file], epochs=2)
    fit(model, [file], epochs=1)
    assert [row["epoch"] for row in read(tmp_path / "history.csv")] == ["1"]


def test_metrics_of_some_epochs_leave_gaps(model, tmp_path):
    file = HistoryFile(tmp_path / "history.csv")
    file.set_model(model)
    file.on_epoch_end(0, {"loss": 2.0})
    file.on_epoch_end(1, {"loss": 1.0, "val_loss": 3.0})
    text = (tmp_path / "history.csv").read_text()
    assert text == "epoch,loss,val_loss\n1,2.0,\n2,1.0,3.0\n"


def test_a_file_that_cannot_be_written_ends_no_run(model, tmp_path, caplog):
    folder = tmp_path / "folder"
    folder.write_text("in the way")
    file = HistoryFile(folder / "history.csv")
    file.set_model(model)
    with caplog.at_level("WARNING"):
        file.on_epoch_end(0, {"loss": 2.0})
    assert "The history was not written, the run goes on" in caplog.text
    folder.unlink()
    file.on_epoch_end(1, {"loss": 1.0})
    assert [row["epoch"] for row in read(folder / "history.csv")] == ["1", "2"]
