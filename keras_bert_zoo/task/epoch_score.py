"""Scores of whole answers after each epoch, as a Keras callback."""

from collections.abc import Iterable

import keras

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task.head import TaskHead
from keras_bert_zoo.training import workers


class EpochScore(keras.callbacks.Callback):
    """Adds the head's own score of held-out rows to an epoch's metrics.

    Metrics of `fit` see sequences; some scores, such as the F1 of an answer
    in a text of several sequences, need whole answers. Callbacks after this
    one, such as `EarlyStopping("val_f1")`, and the history find the score by
    the name that `monitor` returns. Of several workers the first one scores
    for all: they stop together.

    Args:
        rows: labelled rows, re-iterable.
        batch_size: int.

    Raises:
        InputError: after an epoch, if a row is wrong or has no label.
    """

    def __init__(self, rows: Iterable, batch_size: int = 32):
        super().__init__()
        self._rows = rows
        self._batch_size = batch_size

    @staticmethod
    def monitor(head: TaskHead) -> str | None:
        """Returns the name of a head's score; `None` if it has none."""
        return f"val_{head.epoch_scores[-1]}" if head.epoch_scores else None

    def on_epoch_end(self, epoch, logs=None):
        head = self.model.head
        name = self.monitor(head)
        if name is None or logs is None:
            return
        strategy = self.model.distribute_strategy
        score, mistake = None, ""
        if workers.is_chief(strategy):
            try:
                found = self.model.score(self._rows, self._batch_size)
                score = float(
                    next(
                        found[one] for one in head.epoch_scores if one in found
                    )
                )
            except InputError as error:
                mistake = str(error)
        # Those who wait for the chief hear of its mistake.
        (score, mistake), _ = workers.from_chief(strategy, [score, mistake], {})
        if mistake:
            raise InputError(mistake)
        logs[name] = score
