"""Curves for TensorBoard, as a Keras callback."""

import contextlib
import os

import keras
import tensorflow as tf
from absl import logging

from keras_bert_zoo import arguments
from keras_bert_zoo.training import distribution

_VALIDATION = "val_"
# What TensorFlow raises of files, such as on a full disk.
_FAILURES = (OSError, tf.errors.OpError)


class ScalarWriter(keras.callbacks.Callback):
    """Writes scalars that TensorBoard shows.

    | tag | when | what |
    | --- | --- | --- |
    | `loss`, metrics | every few steps | mean of the epoch so far |
    | `learning_rate` | every few steps | of the latest update |
    | `gradient_norm` | every few steps | before clipping, without loss scale |
    | `loss_scale` | every few steps | where a `LossScaleOptimizer` has one |
    | `epoch_...` | after each epoch | its metrics, and those of validation |

    The step is the number of batches trained on. Validation metrics go to a
    run of their own, under the names of the training metrics. Where writing
    fails, as on a full disk, it is told once and the run goes on: the curves
    go on, in new files, after the first epoch at which there is room again.

    Args:
        directory: holds the runs `train` and `validation`.
        every: int. Steps between two values, at least 1.

    Raises:
        InputError: if `every` is no such number.
    """

    def __init__(self, directory: str | os.PathLike, every: int = 50):
        super().__init__()
        self._directory = os.fspath(directory)
        self._every = arguments.whole_number("every", every)
        self._num_steps = self._first = 0
        self._writers = {}
        self._has_failed = False
        self._counters = None

    def backup_state(self) -> dict:
        """Returns the number of steps, JSON-able."""
        return {"num_steps": self._num_steps}

    def restore_state(self, state: dict) -> None:
        """Takes what `backup_state` returned, for the curves to go on."""
        self._num_steps = state["num_steps"]

    def set_model(self, model):
        super().set_model(model)
        self._counters = model.step_counters(gradient_norm=True)

    def on_train_batch_begin(self, batch, logs=None):
        self._first = batch

    def on_train_batch_end(self, batch, logs=None):
        earlier = self._num_steps
        self._num_steps += batch + 1 - self._first
        is_due = self._num_steps // self._every != earlier // self._every
        if not is_due or self._has_failed:
            return
        optimizer = self.model.optimizer
        values = {
            **logs,
            "learning_rate": float(self._counters.learning_rate.numpy()),
            "gradient_norm": float(self._counters.gradient_norm.numpy()),
        }
        if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            values["loss_scale"] = float(optimizer.dynamic_scale.numpy())
        self._write({"train": values})

    def on_epoch_end(self, epoch, logs=None):
        runs = {}
        for run, is_validation in (("train", False), ("validation", True)):
            values = {
                f"epoch_{name.removeprefix(_VALIDATION)}": value
                for name, value in logs.items()
                if name.startswith(_VALIDATION) == is_validation
            }
            if values:
                runs[run] = values
        self._write(runs)

    def on_train_end(self, logs=None):
        self._close()

    def _close(self):
        for writer in self._writers.values():
            # All has been written before, or could not be.
            with contextlib.suppress(*_FAILURES):
                writer.close()
        self._writers = {}

    def _write(self, runs):
        if not distribution.is_chief(self.model.distribute_strategy):
            return
        try:
            for run, values in runs.items():
                self._write_run(run, values)
            self._has_failed = False
        except _FAILURES as error:
            # A writer that failed once fails forever.
            self._close()
            if not self._has_failed:
                logging.warning(
                    "The curves were not written, the run goes on without: %s",
                    # Without the names of TensorFlow's own parts.
                    str(error).rpartition("}} ")[2].partition("\n")[0],
                )
            self._has_failed = True

    def _write_run(self, run, values):
        if run not in self._writers:
            folder = os.path.join(self._directory, run)
            self._writers[run] = tf.summary.create_file_writer(folder)
        with self._writers[run].as_default(step=self._num_steps):
            for name, value in values.items():
                tf.summary.scalar(name, value)
            self._writers[run].flush()
