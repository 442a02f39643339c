"""`fit` and `evaluate` on any number of replicas, alike."""

import contextlib
import functools
import gc
from collections.abc import Callable
from collections.abc import Iterable
from typing import Any

import keras
import tensorflow as tf
from absl import logging

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.training import distribution
from keras_bert_zoo.training import loop
from keras_bert_zoo.training.losses import one_number_each
from keras_bert_zoo.training.optimizers import updates
from keras_bert_zoo.training.step import Step
from keras_bert_zoo.training.step import make_step_function
from keras_bert_zoo.training.step_counters import StepCounters


class ReplicatedModel(keras.Model):
    """A Keras model whose training does not depend on its strategy.

    The same global batches give the same losses, weights and metrics on one
    device and on several: in `train_on_batch` too, where each replica has a
    part of the batch. A subclass that has a `train_step` or `test_step` of
    its own keeps it, and what Keras makes of it.
    """

    _untrained: frozenset = frozenset()
    # Made when data come; anew where the model is compiled anew.
    _step: Step | None = None
    counters: StepCounters | None = None

    def leave_untrained(self, variables: Iterable[keras.Variable]) -> None:
        """Excludes these variables alone from training, in this model only.

        Their layers may be part of other models, which train them. The model
        must be compiled afterwards.
        """
        self._untrained = frozenset(id(variable) for variable in variables)

    @property
    def trainable_variables(self) -> list[keras.Variable]:
        """What `fit` changes: all but what is frozen or excluded."""
        return [
            variable
            for variable in super().trainable_variables
            if id(variable) not in self._untrained
        ]

    # The name that Keras' own code uses.
    trainable_weights = trainable_variables

    @property
    def non_trainable_variables(self) -> list[keras.Variable]:
        """All others, random seeds included."""
        trained = {id(variable) for variable in self.trainable_variables}
        return [one for one in self.variables if id(one) not in trained]

    @property
    def non_trainable_weights(self) -> list[keras.Variable]:
        """All weights that are not trained."""
        trained = {id(variable) for variable in self.trainable_variables}
        return [one for one in self.weights if id(one) not in trained]

    def compile(self, optimizer="rmsprop", loss=None, **kwargs):
        _check_scope(self, optimizer)
        was_compiled = self.compiled
        super().compile(optimizer=optimizer, loss=loss, **kwargs)
        # In a partial, because Keras tracks metrics that it finds in a dict.
        self.compile_arguments = functools.partial(dict, loss=loss, **kwargs)
        self._step = None
        if was_compiled:
            # Cycles hold the last optimizer, which is larger than the model.
            gc.collect()

    def fit(self, *args, **kwargs) -> keras.callbacks.History:
        """Trains for some epochs; see `keras.Model.fit`, and `loop.fit`."""
        self._check_compiled()
        if self.has_own_step() and (
            self.distribute_strategy.num_replicas_in_sync > 1
        ):
            logging.warning(
                "%s has a step or a loss of its own: under a strategy it is "
                "trained as Keras does it, which is not what one device would "
                "compute.",
                type(self).__name__,
            )
        return loop.fit(self, *args, **kwargs)

    def evaluate(
        self,
        x=None,
        y=None,
        batch_size=None,
        verbose="auto",
        sample_weight=None,
        steps=None,
        callbacks=None,
        return_dict=False,
    ):
        """Returns loss and metrics; see `keras.Model.evaluate`."""
        self._check_compiled()
        found = loop.evaluate(
            self, x, y, batch_size, verbose, sample_weight, steps, callbacks
        )
        return found if return_dict else _in_order(self.metrics, found)

    def _check_compiled(self):
        if not self.compiled:
            raise InputError(
                "A model is compiled before it is trained or evaluated. "
                "Received: one that is not. Call `compile` first."
            )

    def step_counters(self, gradient_norm: bool = False) -> StepCounters:
        """Returns what the steps of `fit` fill, for callbacks to read.

        A callback asks in `set_model`, before `fit` makes its steps.

        Args:
            gradient_norm: bool. Whether the norm of the gradients is
                computed, which takes a pass over them.
        """
        with self.distribute_strategy.scope():
            if self.counters is None:
                self.counters = StepCounters()
                self.train_function = None
            if gradient_norm and self.counters.gradient_norm is None:
                self.counters.add_gradient_norm()
                self.train_function = None
        return self.counters

    def has_own_step(self) -> bool:
        """Returns whether a subclass has a step or a loss of its own.

        Such a model takes Keras's step, which under a strategy does not
        compute what one device would.
        """
        return any(
            getattr(type(self), name) is not getattr(keras.Model, name)
            for name in ("train_step", "test_step", "compute_loss")
        )

    def build_steps(self, types: Any) -> None:
        """Builds what `fit` and `evaluate` need.

        Args:
            types: of a batch, `tf.TypeSpec`s, or a batch.
        """
        if self.optimizer is not None and not self.optimizer.built:
            with self.distribute_strategy.scope():
                self.optimizer.build(self.trainable_variables)
        types = _symbolic(types)
        if self.has_own_step():
            # It may make labels of its own. What is wrong, it will raise.
            with contextlib.suppress(Exception):
                self._build_metrics(*types)
        elif self._step is None:
            self._build_metrics(*types)
            with self.distribute_strategy.scope():
                self._step = Step(self, types)

    def _build_metrics(self, x, y, sample_weight):
        """Makes the variables of loss and metrics, and counts nothing."""
        y_pred = self.output
        given, own = (
            [one.shape for one in keras.tree.flatten(inputs) if one is not None]
            for inputs in (x, self.input)
        )
        if given != own:
            # Labels of known shapes meet predictions of the same.
            y_pred = _Call(self).compute_output_spec(x, training=False)
        functions = [self.compute_metrics]
        if self.has_own_step():
            functions.append(self.compute_loss)
        with self.distribute_strategy.scope():
            for function in functions:
                _Call(function).compute_output_spec(x, y, y_pred, sample_weight)

    def step(self, types: Any) -> Step:
        """Returns what a replica does with its part of a batch.

        Args:
            types: of a batch, `tf.TypeSpec`s, or a batch.
        """
        self.build_steps(types)
        return self._step

    @property
    def step_variables(self) -> list[keras.Variable]:
        """What the steps of a run keep beside weights and metrics."""
        return [] if self._step is None else self._step.mean_sizes.variables

    def make_train_function(self, force=False):
        if self.has_own_step():
            super().make_train_function(force)
        elif self.train_function is None or force:
            self.train_function = make_step_function(
                self, lambda data: self._step.train(data)
            )
        if self._step is not None:
            self._step.mean_sizes.reset()

    def make_test_function(self, force=False):
        if self.has_own_step():
            super().make_test_function(force)
        elif self.test_function is None or force:
            self.test_function = make_step_function(
                self, lambda data: self._step.test(data)
            )

    def run_steps(self, function, batches, num_steps: int) -> dict:
        """Returns the metrics after some steps.

        Args:
            function: `train_function` or `test_function`.
            batches: iterator of batches.
            num_steps: int. Keras's own function takes `steps_per_execution`.
        """
        if self.has_own_step():
            return function(batches)
        return function(batches, num_steps)

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The reported loss, then the metrics, as in `keras.Model`."""
        if self._step is None:
            return super().metrics
        others = [one for one in super().metrics if one.name != "loss"]
        return [self._step.reported_loss, *others]

    def get_metrics_result(self):
        found = super().get_metrics_result()
        if self._step is not None:
            # After the loss of each output in Keras's own metrics.
            found |= self._step.reported_loss.result()
        return found

    def epoch_logs(self, logs: dict) -> dict:
        """Returns the metrics of an epoch, or what an own step returned last.

        Args:
            logs: of the last step.
        """
        found = self.get_metrics_result()
        is_own = self.has_own_step() and isinstance(logs, dict)
        return logs if is_own and set(logs) != set(found) else found

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        is_one = y is not None and not keras.tree.is_nested(y)
        if is_one and keras.ops.is_tensor(y_pred):
            y, y_pred = one_number_each(y, y_pred)
        return super().compute_metrics(x, y, y_pred, sample_weight)

    def predict_on_batch(self, x):
        if self.distribute_strategy.num_replicas_in_sync == 1:
            return super().predict_on_batch(x)
        # Keras would have each replica answer all of it.
        num_rows = len(keras.tree.flatten(x)[0])
        return self.predict(x, batch_size=num_rows, verbose=0)

    def predict_step(self, data):
        # XLA writes into nothing that it is given.
        if not self.jit_compile:
            data = distribution.own_copy(data)
        return super().predict_step(data)


def _check_scope(model: keras.Model, optimizer: Any = None) -> None:
    """Refuses to compile what would not train as it says.

    Args:
        model: about to be compiled.
        optimizer: what it is to be compiled with.

    Raises:
        InputError: if the strategy in scope is not the model's or the
            optimizer's, or is one that Keras cannot train under; or if
            `keras.distribution` is set.
    """
    strategy = tf.distribute.get_strategy()
    if isinstance(strategy, tf.distribute.ParameterServerStrategy):
        raise InputError(
            "Models are trained in step on all replicas. Received: a "
            f"{type(strategy).__name__}, whose workers do not wait for each "
            "other. Take MirroredStrategy, MultiWorkerMirroredStrategy or "
            "TPUStrategy."
        )
    if keras.distribution.distribution() is not None:
        raise InputError(
            "With TensorFlow, `keras.distribution` distributes nothing. "
            f"Received: {keras.distribution.distribution()}. Take "
            "tf.distribute, with the model made under `strategy.scope()`."
        )
    own = model.distribute_strategy
    if own is strategy and not _is_made_under(strategy, model.variables):
        # A model without one takes that in scope.
        own = None
    if own is not strategy:
        raise InputError(
            "A model is made and compiled under the scope of one strategy. "
            f"Received: a model made under {_named(own)}, compiled under "
            f"{_named(strategy)}. Do both in one `with strategy.scope():`."
        )
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        return
    if not _is_made_under(strategy, optimizer.variables):
        raise InputError(
            "An optimizer is made under the scope of its model's strategy. "
            "Received: an optimizer made under another one or none, a model "
            f"made under {_named(own)}. Make both in one "
            "`with strategy.scope():`."
        )
    if strategy.num_replicas_in_sync > 1:
        updates.check_replicas(optimizer)


def _is_made_under(strategy, variables):
    return all(
        strategy.extended.variable_created_in_scope(variable.value)
        for variable in variables[:1]
    )


def _named(strategy):
    name = type(strategy).__name__
    # TensorFlow's stands for having none.
    if strategy is None or name.startswith("_Default"):
        return "none"
    return f"a {name}"


class _Call(keras.Operation):
    """A function, of which Keras computes the outputs' shapes alone."""

    def __init__(self, function: Callable):
        super().__init__()
        self.call = function


def _symbolic(types):
    """Returns `(x, y, sample_weight)` of symbolic tensors.

    Args:
        types: of a batch, `tf.TypeSpec`s, or a batch.
    """

    def tensor(one):
        if one is None:
            return None
        return keras.KerasTensor(
            one.shape, keras.backend.standardize_dtype(one.dtype)
        )

    return keras.utils.unpack_x_y_sample_weight(
        keras.tree.map_structure(tensor, types)
    )


def _in_order(metrics, logs):
    """Returns values as `keras.Model.evaluate` does: by metric, then name."""
    names = [metric.name for metric in metrics if metric.name in logs]
    names += sorted(set(logs) - set(names))
    values = [logs[name] for name in names]
    return values[0] if len(values) == 1 else values
