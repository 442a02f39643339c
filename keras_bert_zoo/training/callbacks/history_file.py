"""The metrics of all epochs in a file, as a Keras callback."""

import csv
import os

import keras
from absl import logging

from keras_bert_zoo.atomic_io import atomic_file
from keras_bert_zoo.training import distribution
from keras_bert_zoo.training.callbacks.throughput import MEASURES


class HistoryFile(keras.callbacks.Callback):
    """Writes a CSV file with a row for each epoch, whole after each of them.

    The columns are `epoch`, from 1, the metrics, and what `Throughput` adds,
    if it comes before this callback. Of several workers the first writes.
    Where that fails, as on a full disk, a warning says so: the next epoch
    writes all rows.

    Args:
        path: the file. One that exists is replaced after the first epoch.

    Attributes:
        rows: list of dicts by column, of the epochs so far.
    """

    def __init__(self, path: str | os.PathLike):
        super().__init__()
        self._path = path
        self.rows = []

    def backup_state(self) -> dict:
        """Returns the rows, JSON-able."""
        return {"rows": list(self.rows)}

    def restore_state(self, state: dict) -> None:
        """Takes the rows that `backup_state` returned."""
        self.rows = list(state["rows"])

    def on_epoch_end(self, epoch, logs=None):
        # In another `fit`, or one that goes back, epochs are not new.
        earlier = [row for row in self.rows if row["epoch"] <= epoch]
        self.rows = [*earlier, {"epoch": epoch + 1, **logs}]
        if distribution.is_chief(self.model.distribute_strategy):
            try:
                self.write(self._path)
            except OSError as error:
                logging.warning(
                    "The history was not written, the run goes on without: %s",
                    error,
                )

    def write(self, path: str | os.PathLike) -> None:
        """Writes the epochs so far to some file, whole or not at all."""
        names = dict.fromkeys(name for row in self.rows for name in row)
        measures = [name for name in MEASURES if name in names]
        columns = [name for name in names if name not in measures] + measures
        with atomic_file(path) as temporary:
            with open(temporary, "w", encoding="utf-8", newline="") as stream:
                writer = csv.DictWriter(stream, columns, lineterminator="\n")
                writer.writeheader()
                writer.writerows(self.rows)
