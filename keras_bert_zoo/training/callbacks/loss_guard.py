"""Stops a run whose loss is no number any more, as a Keras callback."""

import math
import re
from collections.abc import Callable
from collections.abc import Sequence

import keras
import numpy as np

from keras_bert_zoo.errors import DivergenceError
from keras_bert_zoo.training.resume.run_state import LARGEST_WEIGHT

SHOWN_ROWS = 64
_ADVICE = "Lower the learning rate."
_NUMBERED = re.compile(r"(.*?)(\d+)")


class LossGuard(keras.callbacks.Callback):
    """Raises an error at the first step whose loss is NaN or infinite.

    The error names the step and, where a `TaskModel` reads rows, the rows of
    its batch. Infinite gradients under a `LossScaleOptimizer`, which skips
    the step, leave the loss as it is and stop nothing.

    This costs nothing: Keras has the mean loss of the epoch so far, which is
    not finite once one loss is not.

    Args:
        last_backup: function that says where the last good backup of the
            run is, `None` if there is none.

    Raises:
        DivergenceError: in `fit`, as above; and if the validation loss, or a
            weight after the last step, is not finite or is huge.
    """

    def __init__(self, last_backup: Callable[[], str | None] | None = None):
        super().__init__()
        self._last_backup = last_backup
        self._epoch = 0
        # Steps of the run: before this epoch, and done in it.
        self._num_earlier = self._num_done = 0

    def on_train_begin(self, logs=None):
        self._num_earlier = self._num_done = 0

    def backup_state(self) -> dict:
        """Returns the numbers of steps so far, JSON-able."""
        return {"earlier": self._num_earlier, "done": self._num_done}

    def restore_state(self, state: dict) -> None:
        """Takes what `backup_state` returned."""
        self._num_earlier, self._num_done = state["earlier"], state["done"]

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch + 1

    def on_train_batch_end(self, batch, logs=None):
        done = batch + 1
        if not math.isfinite(logs["loss"]):
            raise DivergenceError(self._message(logs["loss"], done))
        self._num_done = done

    def on_epoch_end(self, epoch, logs=None):
        self._num_earlier += self._num_done
        self._num_done = 0
        found = (logs or {}).get("val_loss", 0.0)
        if not math.isfinite(found):
            raise DivergenceError(
                "The loss must be a finite number. Received: val_loss "
                f"{found} after epoch {self._epoch}. {_ADVICE}"
                + self._last_good()
            )

    def on_train_end(self, logs=None):
        # Nothing has been computed with them since the last step.
        for variable in self.model.trainable_variables:
            largest = np.abs(variable.numpy()).max(initial=0.0)
            if not largest < LARGEST_WEIGHT:
                raise DivergenceError(
                    "Weights must be numbers whose products are finite. "
                    f"Received: {largest} in {variable.path}, after the last "
                    f"step. {_ADVICE}" + self._last_good()
                )

    def _last_good(self) -> str:
        backup = self._last_backup() if self._last_backup else None
        if not backup:
            return ""
        return (
            f" The last good backup is {backup}; a run with other settings "
            "needs another directory for its own."
        )

    def _message(self, loss: float, last: int) -> str:
        first = self._num_done + 1
        steps = f"step {last}" if first == last else f"steps {first} to {last}"
        origins = []
        batch_examples = getattr(self.model, "batch_examples", None)
        if batch_examples is not None:
            start = self._num_earlier + self._num_done
            origins = batch_examples.origins(start, self._num_earlier + last)
        return (
            f"The loss must be a finite number. Received: {loss} in {steps} of "
            f"epoch {self._epoch}"
            + (f", on {listed(origins)}" if origins else "")
            + ". Lower the learning rate, or look for what is wrong with these "
            "rows." + self._last_good()
        )


def listed(origins: Sequence[str]) -> str:
    """Returns origins of rows in short, such as `train.tsv:3, 17, 40`."""
    more = len(origins) - SHOWN_ROWS
    origins = origins[:SHOWN_ROWS]
    parts = [_NUMBERED.fullmatch(origin) for origin in origins]
    if all(parts) and len({part[1] for part in parts}) == 1:
        origins = [parts[0][0], *(part[2] for part in parts[1:])]
    return ", ".join(origins) + (f" and {more} more" if more > 0 else "")
