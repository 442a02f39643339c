"""How `train` is watched: its progress, its history, and what stops it."""

import pathlib

import keras

from keras_bert_zoo.cli.fit_progress import FitProgress
from keras_bert_zoo.training.epoch_pace import EpochPace
from keras_bert_zoo.training.history_file import HistoryFile
from keras_bert_zoo.training.loss_guard import LossGuard

HISTORY = "history.csv"


class Watching:
    """The callbacks that watch a run, and what they leave with its model.

    Until there is a model, the history stands beside the place where it will
    be, as `NAME.history.csv`, so that a run that fails leaves it too.

    Args:
        out: path. Where the model goes.
    """

    def __init__(self, out: str):
        self._out = pathlib.Path(out)
        self._history = self._out.with_name(f"{self._out.name}.{HISTORY}")

    def callbacks(self) -> list[keras.callbacks.Callback]:
        """Returns the callbacks, which come after those that add metrics."""
        pace = EpochPace()
        return [
            LossGuard(),
            pace,
            HistoryFile(self._history),
            FitProgress(pace),
        ]

    def finish(self) -> None:
        """Moves the history to the model, which has been saved."""
        # Nothing is written where no epoch was left to train.
        if self._history.is_file():
            self._history.replace(self._out / HISTORY)
