"""The loops of `fit` and `evaluate`: epochs, batches, callbacks.

They call what Keras's own loops call, in the same order. A run may begin in
the middle of an epoch, and several steps per execution end with the epoch.
"""

import functools
import math
import warnings
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.training import keras_private
from keras_bert_zoo.training.optimizers import updates


class Batches:
    """The batches of each epoch, of whatever data Keras takes.

    Args:
        model: `ReplicatedModel`, compiled.
        x, y, sample_weight, batch_size, shuffle, class_weight: as those of
            `keras.Model.fit`.
        steps_per_epoch: int or `None`. Steps in an epoch, which the data may
            have more or fewer of; `None` for a pass over the data.

    Attributes:
        num_steps: int or `None`. Steps in an epoch, if that is known.
        types: of a batch, `tf.TypeSpec`s.
    """

    def __init__(
        self,
        model: keras.Model,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        batch_size: int | None = None,
        steps_per_epoch: int | None = None,
        shuffle: bool = False,
        class_weight: dict | None = None,
    ):
        most = keras.config.max_steps_per_epoch()
        if most and not (steps_per_epoch and steps_per_epoch <= most):
            steps_per_epoch = most
        self._adapter = keras_private.data_adapter(
            x,
            y,
            sample_weight,
            batch_size=batch_size,
            steps_per_epoch=steps_per_epoch,
            shuffle=shuffle,
            class_weight=class_weight,
        )
        dataset = self._adapter.get_tf_dataset()
        self.types = keras.tree.map_structure(
            # What batches may lack is taken for missing.
            lambda one: None if isinstance(one, tf.OptionalSpec) else one,
            dataset.element_spec,
        )
        if not isinstance(dataset, tf.distribute.DistributedDataset):
            dataset = model.distribute_strategy.experimental_distribute_dataset(
                dataset
            )
        self._dataset = dataset
        self._steps_per_epoch = steps_per_epoch
        self._per_execution = model.steps_per_execution
        self._num_batches = self._adapter.num_batches
        self.num_steps = steps_per_epoch or self._num_batches
        # Where an epoch is a part of the data, a pass lasts several.
        self._pass, self._num_taken = None, 0
        self.reset()

    def reset(self) -> None:
        """Lets the next epoch begin with a new pass over the data."""
        self._pass = None
        self._adapter.on_epoch_end()

    def epoch(self, first_step: int = 0) -> Iterator[tuple]:
        """Yields first step, number of steps and iterator of each execution.

        Args:
            first_step: int. The step that the epoch begins with.
        """
        self._adapter.on_epoch_begin()
        if self._pass is None or self._steps_per_epoch is None:
            self._begin_pass()
        step, last = first_step, self.num_steps
        while last is None or step < last:
            if self._is_over():
                self.end()
                return
            number = self._per_execution
            if last is not None:
                number = min(number, last - step)
            self._num_taken += number
            yield step, number, self._pass
            step += number
        if self._is_over():
            self._begin_pass()
        self._adapter.on_epoch_end()

    def end(self) -> None:
        """Ends a pass over the data, before the epoch has all its steps."""
        if self._steps_per_epoch is not None:
            warnings.warn(
                "The data ended before the epoch: it has "
                f"steps_per_epoch={self._steps_per_epoch}. Repeat the data, "
                "or make fewer steps.",
                stacklevel=2,
            )
        self.reset()

    def _is_over(self):
        return bool(self._num_batches) and self._num_taken >= self._num_batches

    def _begin_pass(self):
        self._pass, self._num_taken = iter(self._dataset), 0


def fit(
    model: keras.Model,
    x: Any = None,
    y: Any = None,
    batch_size: int | None = None,
    epochs: int = 1,
    verbose: str | int = "auto",
    callbacks: Any = None,
    validation_split: float = 0.0,
    validation_data: Any = None,
    shuffle: bool = True,
    class_weight: dict | None = None,
    sample_weight: Any = None,
    initial_epoch: int = 0,
    steps_per_epoch: int | None = None,
    validation_steps: int | None = None,
    validation_batch_size: int | None = None,
    validation_freq: int | list = 1,
    initial_step: int = 0,
) -> keras.callbacks.History:
    """Trains a model for some epochs.

    Args:
        model: `ReplicatedModel`, compiled.
        initial_step: int. Steps that were done in the first of the epochs.
            Where there are some, the metrics hold what they counted, and the
            data begin after them.
        others: as those of `keras.Model.fit`.

    Returns:
        The history.

    Raises:
        InputError: if `validation_split` is given for data that cannot be
            split, or leaves one of the parts empty.
    """
    most = keras.config.max_epochs()
    if most:
        epochs = min(epochs, most)
    if validation_split and validation_data is None:
        (x, y, sample_weight), validation_data = _split(
            (x, y, sample_weight), validation_split
        )
    batches = Batches(
        model,
        x,
        y,
        sample_weight,
        batch_size,
        steps_per_epoch,
        shuffle,
        class_weight,
    )
    model.build_steps(batches.types)
    callbacks = _listed(callbacks, model, batches, verbose, epochs)
    held_out = None
    model.stop_training = False
    model.make_train_function()
    callbacks.on_train_begin()
    epoch_logs = None
    initial_epoch = keras_private.initial_epoch(model) or initial_epoch
    for epoch in range(initial_epoch, epochs):
        first = initial_step if epoch == initial_epoch else 0
        if not first:
            model.reset_metrics()
        callbacks.on_epoch_begin(epoch)
        logs = _run_steps(
            batches.epoch(first),
            batches.end,
            functools.partial(model.run_steps, model.train_function),
            callbacks.on_train_batch_begin,
            callbacks.on_train_batch_end,
            lambda: model.stop_training,
        )
        epoch_logs = dict(model.epoch_logs(logs))
        if validation_data is not None and _is_due(epoch, validation_freq):
            if held_out is None:
                held_out = Batches(
                    model,
                    *keras.utils.unpack_x_y_sample_weight(validation_data),
                    batch_size=validation_batch_size or batch_size,
                    steps_per_epoch=validation_steps,
                )
            found = _evaluate(model, held_out, callbacks)
            epoch_logs |= {f"val_{name}": found[name] for name in found}
        callbacks.on_epoch_end(epoch, epoch_logs)
        if model.stop_training:
            break
    if model.optimizer is not None and updates.num_updates(model.optimizer):
        model.optimizer.finalize_variable_values(model.trainable_variables)
    callbacks.on_train_end(logs=epoch_logs)
    return model.history


def evaluate(
    model: keras.Model,
    x: Any = None,
    y: Any = None,
    batch_size: int | None = None,
    verbose: str | int = "auto",
    sample_weight: Any = None,
    steps: int | None = None,
    callbacks: Any = None,
) -> dict[str, float]:
    """Returns loss and metrics on some data, by name.

    Args:
        model: `ReplicatedModel`, compiled.
        others: as those of `keras.Model.evaluate`.
    """
    batches = Batches(model, x, y, sample_weight, batch_size, steps)
    callbacks = _listed(callbacks, model, batches, verbose)
    return _evaluate(model, batches, callbacks)


def _listed(callbacks, model, batches, verbose, epochs=None):
    """Returns callbacks in one list, those of Keras itself included."""
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return callbacks
    return keras.callbacks.CallbackList(
        callbacks,
        add_history=epochs is not None,
        add_progbar=verbose != 0,
        verbose=verbose,
        epochs=epochs or 1,
        steps=batches.num_steps,
        model=model,
    )


def _evaluate(model, batches, callbacks):
    batches.reset()
    model.build_steps(batches.types)
    model.make_test_function()
    model.stop_evaluating = False
    callbacks.on_test_begin()
    model.reset_metrics()
    logs = _run_steps(
        batches.epoch(),
        batches.end,
        functools.partial(model.run_steps, model.test_function),
        callbacks.on_test_batch_begin,
        callbacks.on_test_batch_end,
        lambda: model.stop_evaluating,
    )
    logs = as_numbers(model.epoch_logs(logs))
    callbacks.on_test_end(logs)
    return logs


def _run_steps(executions, end_data, run, on_begin, on_end, is_stopped):
    """Runs the executions of an epoch; returns the logs of the last one."""
    logs = {}
    for step, number, iterator in executions:
        on_begin(step)
        try:
            logs = run(iterator, number)
        except (StopIteration, tf.errors.OutOfRangeError):
            end_data()
            break
        on_end(step + number - 1, logs)
        if is_stopped():
            break
    return logs


def as_numbers(logs: Mapping[str, Any]) -> dict:
    """Returns metrics with scalars as Python's own numbers."""
    return keras.tree.map_structure(_as_number, dict(logs))


def _as_number(value):
    """Returns a scalar as Python's own, other values as they are."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return value


def _is_due(epoch, frequency):
    if isinstance(frequency, int):
        return (epoch + 1) % frequency == 0
    return epoch + 1 in frequency


def _split(arrays, fraction):
    """Returns the first part of arrays, and the last one, for validation."""
    flat = [one for one in keras.tree.flatten(arrays) if one is not None]
    if not flat or not all(
        hasattr(one, "shape") and hasattr(one, "__getitem__") for one in flat
    ):
        raise InputError(
            "`validation_split` splits arrays and tensors. Received: "
            f"{', '.join(type(one).__name__ for one in flat) or 'no data'}. "
            "Give validation_data."
        )
    num_examples = int(flat[0].shape[0])
    size = math.floor(num_examples * (1.0 - fraction))
    if not 0 < size < num_examples:
        raise InputError(
            "Both parts of split data must have examples. Received: "
            f"{num_examples} examples, validation_split={fraction}. Choose "
            "another fraction."
        )

    def part(start, stop):
        return keras.tree.map_structure(
            lambda one: None if one is None else one[start:stop], arrays
        )

    return part(0, size), part(size, num_examples)
