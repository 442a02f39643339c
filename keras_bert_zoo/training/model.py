"""`fit` and `evaluate` on any number of replicas, alike."""

import contextlib
import functools
import gc
from collections.abc import Iterable

import keras

from keras_bert_zoo.training import keras_names
from keras_bert_zoo.training import keras_names_of_losses
from keras_bert_zoo.training import keras_names_of_updates
from keras_bert_zoo.training import replicas
from keras_bert_zoo.training import reported_loss
from keras_bert_zoo.training import steps
from keras_bert_zoo.training import strategies
from keras_bert_zoo.training import whole_batch
from keras_bert_zoo.training.compile_settings import compile_settings
from keras_bert_zoo.training.mean_sizes import MeanSizes
from keras_bert_zoo.training.watch import Watch


class ReplicatedModel(keras.Model):
    """A Keras model whose training does not depend on its strategy.

    The same global batches give the same losses, weights and metrics on one
    device and on several: in `train_on_batch` too, where each replica has a
    part of the batch. A subclass that has a `train_step` or `test_step` of
    its own keeps it, and what Keras makes of it.
    """

    _watch = None
    _untrained: frozenset = frozenset()
    # Of a run that begins, and whether that is after an epoch's last step.
    first_step = None
    begins_at_end = False
    # In the execution that comes next; as many as there are where none is set.
    _num_steps = None

    mean_sizes = None

    def leave_untrained(self, variables: Iterable[keras.Variable]) -> None:
        """Excludes variables from training, in this model only.

        Their layers may be part of other models, which train them. It must
        be called before the model is compiled.
        """
        self._untrained |= {id(variable) for variable in variables}

    @property
    def trainable_variables(self) -> list[keras.Variable]:
        """What `fit` changes: all but what is frozen or excluded."""
        return [
            variable
            for variable in super().trainable_variables
            if id(variable) not in self._untrained
        ]

    @property
    def trainable_weights(self) -> list[keras.Variable]:
        """The trainable variables, by the name that Keras' own code uses."""
        return self.trainable_variables

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
        strategies.check_scope(self, optimizer)
        # In a partial, because Keras counts metrics that it finds in a dict.
        self.compile_settings = functools.partial(
            compile_settings, loss=loss, **kwargs
        )
        was_compiled = self.compiled
        super().compile(optimizer=optimizer, loss=loss, **kwargs)
        if was_compiled:
            # Cycles hold the last optimizer, which is larger than the model.
            gc.collect()

    def watch(self, gradient_norm: bool = False) -> Watch:
        """Returns what the steps of `fit` fill, for callbacks to read.

        A callback asks in `set_model`, before `fit` makes its steps.

        Args:
            gradient_norm: bool. Whether the norm of the gradients is
                watched, which takes a pass over them.
        """
        with self.distribute_strategy.scope():
            if self._watch is None:
                self._watch = Watch()
                self.train_function = None
            if gradient_norm and self._watch.gradient_norm is None:
                self._watch.add_gradient_norm()
                self.train_function = None
        return self._watch

    def make_train_function(self, force=False):
        keras_names_of_updates.begin_averages(self)
        if type(self).train_step is not keras.Model.train_step:
            super().make_train_function(force)
        elif self.train_function is None or force:
            own = self.replica_steps()
            self.mean_sizes = own.mean_sizes
            self.train_function = steps.make_function(
                self, own.train, self._next_steps
            )
        else:
            self.mean_sizes.reset()

    def predict_on_batch(self, x):
        if self.distribute_strategy.num_replicas_in_sync == 1:
            return super().predict_on_batch(x)
        # Keras would have each replica answer all of it.
        num_rows = len(keras.tree.flatten(x)[0])
        return self.predict(x, batch_size=num_rows, verbose=0)

    def replica_steps(self) -> steps.Steps:
        """Returns what a replica does with its part of a batch in `fit`."""
        with self.distribute_strategy.scope():
            mean_sizes = MeanSizes(self.wrapped_losses())
        return steps.Steps(self, mean_sizes, self._watch)

    def wrapped_losses(self) -> list[whole_batch.WholeBatchLoss]:
        """Returns the losses in use, once they are built."""
        losses = whole_batch.wrap(keras_names_of_losses.losses_of(self))
        keras_names_of_losses.set_losses(self, losses)
        return losses

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        is_one = y is not None and not keras.tree.is_nested(y)
        if is_one and keras.ops.is_tensor(y_pred):
            y, y_pred = whole_batch.one_number_each(y, y_pred)
        return super().compute_metrics(x, y, y_pred, sample_weight)

    def predict_step(self, data):
        # XLA writes into nothing that it is given.
        if not self.jit_compile:
            data = replicas.own_copy(data)
        return super().predict_step(data)

    def get_metrics_result(self):
        found = super().get_metrics_result()
        if "loss" in found:
            found["loss"] += reported_loss.mean_of_all(self)
        return found

    def make_test_function(self, force=False):
        if type(self).test_step is not keras.Model.test_step:
            super().make_test_function(force)
        elif self.test_function is None or force:
            self.wrapped_losses()
            step = steps.Steps(self).test
            self.test_function = steps.make_function(
                self, step, self._next_steps
            )

    def _has_steps_of_its_own(self):
        own = type(self)
        return (
            own.train_step is not keras.Model.train_step
            or own.test_step is not keras.Model.test_step
        )

    def _set_num_steps(self, number):
        self._num_steps = number

    def _next_steps(self, wanted):
        return self._num_steps or wanted

    def _get_metrics_result_or_logs(self, logs):
        # Without a step, Keras knows of no metrics.
        if self.begins_at_end and not logs:
            logs = self.get_metrics_result()
        return super()._get_metrics_result_or_logs(logs)

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        if self.first_step is not None:
            keras_names.begin_at(iterator, self.first_step)
            self.first_step = None
        # What Keras makes of another step takes whole executions.
        if iterator is not None and not self._has_steps_of_its_own():
            keras_names.tell_steps(iterator, self._set_num_steps)
        # Metrics have variables to make, and a step that makes some is
        # traced twice.
        if iterator is not None:
            data_batch = keras_names.types_in(iterator)
        can_wait = iterator is not None and self._has_steps_of_its_own()
        if can_wait and keras_names.strategy_of(self) is None:
            # Such a step may give the losses other labels than the data's. An
            # error that is one in the step, too, is raised there.
            with contextlib.suppress(Exception):
                keras_names.build_from_types(self, data_batch)
            return
        keras_names.build_from_types(self, data_batch)
