"""Runs that go on where they were killed, as a Keras callback."""

import contextlib
import os
import pathlib
import threading
import time
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from absl import logging

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.errors import StoppedError
from keras_bert_zoo.training import distribution
from keras_bert_zoo.training.model import ReplicatedModel
from keras_bert_zoo.training.resume import backup_files
from keras_bert_zoo.training.resume import run_settings
from keras_bert_zoo.training.resume import run_state
from keras_bert_zoo.training.signals import on_sigterm


class Backup(keras.callbacks.Callback):
    """Lets `TaskModel.fit` resume after a kill.

    `model.fit(rows, backup=Backup("run"))`, killed at any moment and called
    again in a new process with the same arguments, gives the weights and the
    history of a run that was never stopped: on one device bit for bit. What
    is kept are weights, optimizer, loss scale, seeds of dropout, the place in
    the stream of batches, the metrics of the epoch so far, and what callbacks
    know: Keras' own, and others that have `backup_state` and `restore_state`.

    A backup is written whole, with a checksum, while training goes on; of the
    last two, a damaged one is passed over. A backup that cannot be written is
    reported and the run goes on. Where a strategy has several workers, the
    first writes, and tells the others when all start again.

    On SIGTERM, `fit` writes a backup after the step and raises
    `StoppedError`.

    Args:
        directory: where backups are, of one run alone.
        seconds: float. Time between two; 0 for one after each step.
        settings: further settings of the run, JSON-able, such as `{"preset":
            name}`. A run with others is refused.

    Raises:
        InputError: if `seconds` is negative, or a setting no JSON.

    Attributes:
        last: path of the last backup, `None` if there is none.
        epoch, step: ints. Where the run was stopped: epochs that were done,
            and steps in the one after.
        num_batches: int. Batches taken from the data until then.
    """

    def __init__(
        self,
        directory: str | os.PathLike,
        seconds: float = 60.0,
        settings: Mapping[str, Any] | None = None,
    ):
        super().__init__()
        if seconds < 0:
            raise InputError(
                f"`seconds` must not be negative. Received: seconds={seconds}."
            )
        self._directory = pathlib.Path(directory)
        self._seconds = seconds
        self._saved = self._arrays = None
        self._own_settings = run_settings.checked(settings or {})
        self._settings, self._others = {}, ()
        self._is_told_to_stop, self._is_written = False, True
        self._last_time, self._writer = 0.0, None
        self.epoch = self.step = self.num_batches = 0
        self.last = None

    @contextlib.contextmanager
    def opened(self, strategy) -> Iterator[None]:
        """Reads the last backup, if there is one; other runs find it in use.

        Args:
            strategy: under which the model is trained.

        Raises:
            InputError: if all are damaged, none could be written, or another
                run writes there.
        """
        found, mistake = None, ""
        with contextlib.ExitStack() as held:
            if distribution.is_chief(strategy):
                try:
                    backup_files.check_writable(self._directory)
                    held.enter_context(backup_files.held(self._directory))
                    backup_files.remove_parts(self._directory)
                    found = backup_files.newest(self._directory)
                except (InputError, OSError) as error:
                    mistake = str(error)
            self.last, state, arrays = found or (None, None, {})
            # Those who wait for the chief hear of its mistake.
            (mistake, self._saved), self._arrays = distribution.from_chief(
                strategy, [mistake, state], arrays
            )
            if mistake:
                raise InputError(mistake)
            self.epoch, self.step, self.num_batches = (
                (self._saved or {}).get(name, 0)
                for name in ("epoch", "step", "num_batches")
            )
            yield

    @contextlib.contextmanager
    def of_run(
        self,
        model: ReplicatedModel,
        settings: dict,
        callbacks: Sequence[keras.callbacks.Callback],
    ) -> Iterator[dict]:
        """Yields what Keras' `fit` takes further, and is there while it runs.

        Args:
            model: to be trained.
            settings: what the run depends on, by name; JSON-able, but for
                NumPy's numbers.
            callbacks: the user's.

        Raises:
            InputError: if the backup is of a run with other settings.
        """
        self._others = list(callbacks)
        if not any(
            isinstance(one, keras.callbacks.History) for one in callbacks
        ):
            self._others.append(keras.callbacks.History())
        self._settings = run_settings.settings_of(
            model, {**settings, "settings": self._own_settings}, self._others
        )
        arguments = {"callbacks": [*self._others, self]}
        if self._saved:
            run_settings.check_same(
                model, self._settings, self._saved["settings"], self._directory
            )
            if self.epoch >= settings["epochs"]:
                logging.warning(
                    "The run of %s has ended, and nothing is left to train. "
                    "`Backup.remove` lets another one begin.",
                    self._directory,
                )
            arguments["initial_epoch"] = self.epoch
            arguments["initial_step"] = self.step
        self._is_told_to_stop = False
        with on_sigterm(self._stop):
            try:
                yield arguments
            finally:
                self.finish()

    def remove(self) -> None:
        """Removes all backups: what they were for is done."""
        backup_files.remove(self._directory)

    def on_train_begin(self, logs=None):
        self._last_time = time.monotonic()
        self._epoch, self._step = self.epoch, self.step
        self._num_batches = self.num_batches
        if self._saved is None:
            return
        variables = run_state.variables_of(self.model)
        run_state.check_same_shapes(variables, self._arrays, self._directory)
        with self.model.distribute_strategy.scope():
            run_state.assign(variables, self._arrays)
        run_state.restore_callbacks(self._others, self._saved, self._arrays)
        self._saved = self._arrays = None

    def on_epoch_begin(self, epoch, logs=None):
        # The user's `initial_epoch` may be another than that of a new run.
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        done = batch + 1
        self._num_batches += done - self._step
        self._step = done
        self._save_if_due()

    def on_epoch_end(self, epoch, logs=None):
        self._epoch, self._step = epoch + 1, 0
        if not self.model.stop_training:
            self._save_if_due()

    def on_train_end(self, logs=None):
        # However many were left when it was stopped early.
        self._epoch, self._step = self.params["epochs"], 0
        self.save()
        self.finish()
        flags = np.array([self._is_told_to_stop])
        if distribution.any_of(self.model.distribute_strategy, flags)[0]:
            self._raise_stopped("at the end of training")

    def _save_if_due(self):
        is_due = time.monotonic() - self._last_time >= self._seconds
        flags = np.array([is_due, self._is_told_to_stop])
        strategy = self.model.distribute_strategy
        is_due, must_stop = distribution.any_of(strategy, flags)
        if is_due or must_stop:
            self.save()
        if must_stop:
            self.finish()
            self._raise_stopped(
                f"after epoch {self._epoch + 1}, step {self._step}"
                if self._step
                else f"after epoch {self._epoch}"
            )

    def _raise_stopped(self, place):
        raise StoppedError(
            f"Stopped {place}, "
            + (
                f"with a backup in {self._directory}; run it again."
                if self._is_written
                else f"without a backup. The last is {self.last}."
            )
        )

    def save(self) -> None:
        """Takes the state, and writes it while training goes on."""
        self.finish()
        variables = run_state.variables_of(self.model)
        # On all workers: some are sums over them.
        arrays = run_state.arrays_of(variables)
        self._last_time = time.monotonic()
        # Others than the chief do not know.
        self._is_written = not distribution.is_chief(
            self.model.distribute_strategy
        )
        if not run_state.is_sound(arrays):
            logging.warning("No backup is written of weights past all bounds.")
            return
        states, others = run_state.callbacks_state(self._others)
        arrays |= others
        if distribution.is_chief(self.model.distribute_strategy):
            state = {
                "settings": self._settings,
                "epoch": self._epoch,
                "step": self._step,
                "num_batches": self._num_batches,
                "callbacks": states,
            }
            try:
                # A copy: training goes on, and callbacks learn more.
                state = run_settings.as_json(state)
            except (TypeError, ValueError) as error:
                _tell(error)
                return
            self._writer = threading.Thread(
                target=self._write, args=(state, arrays)
            )
            self._writer.start()

    def finish(self) -> None:
        """Waits until the last backup is written."""
        if self._writer is not None:
            self._writer.join()
            self._writer = None

    def _write(self, state, arrays):
        try:
            self.last = backup_files.write(
                self._directory, state, arrays, before=self.last
            )
            self._is_written = True
        # Whatever it is: training goes on.
        except Exception as error:
            _tell(error)

    def _stop(self):
        self._is_told_to_stop = True


def _tell(error):
    logging.warning("No backup was written, the run goes on without: %s", error)
