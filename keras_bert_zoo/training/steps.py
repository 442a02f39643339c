"""The steps of `fit` and `evaluate`, on one replica or on several.

    data -> each replica: sizes of its part        -> their sums
         -> each replica: loss, gradients          -> their sums
         -> each replica: clip, update             the same everywhere
         -> metrics, added up over the replicas

Nothing that depends on a whole batch is computed from a part of it: what a
loss is divided by, the norm that gradients are clipped by, and whether they
are finite are those of one device with the same batch.
"""

import contextlib
import functools
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from keras_bert_zoo.training import keras_names
from keras_bert_zoo.training import keras_names_of_losses
from keras_bert_zoo.training import keras_names_of_updates
from keras_bert_zoo.training import replicas
from keras_bert_zoo.training import strategies
from keras_bert_zoo.training import whole_batch
from keras_bert_zoo.training.mean_sizes import MeanSizes
from keras_bert_zoo.training.reported_loss import PartOfLoss
from keras_bert_zoo.training.reported_loss import are_means_of_all
from keras_bert_zoo.training.watch import Watch

_ITERATORS = (tf.data.Iterator, tf.distribute.DistributedIterator)


class Steps:
    """What a replica does with its part of a batch.

    Args:
        model: `keras.Model`, compiled and built, with its losses wrapped.
        mean_sizes: of the batches to train on.
        watch: filled when training, or `None`.
    """

    def __init__(
        self,
        model: keras.Model,
        mean_sizes: MeanSizes | None = None,
        watch: Watch | None = None,
    ):
        self._model = model
        self.mean_sizes = mean_sizes
        self._watch = watch

    def train(self, data: Any) -> None:
        """Updates weights and metrics."""
        model = self._model
        part = _Part(model, data, self.mean_sizes, self._watch)

        def differentiate(*inputs):
            return part.gradients(*inputs)

        if model.jit_compile:
            # One for each replica, whose variables it holds.
            differentiate = tf.function(differentiate, jit_compile=True)
        outputs, gradients = differentiate(*part.tensors)
        variables = model.trainable_variables
        if variables:
            gradients = replicas.total(gradients)
            if self._watch is not None:
                self._watch.measure(gradients, model.optimizer)
            model.optimizer.apply_gradients(zip(gradients, variables))
        part.count(outputs)

    def test(self, data: Any) -> None:
        """Updates metrics alone."""
        part = _Part(self._model, data)
        part.count(part.outputs(*part.tensors, training=False)[0])


class _Part:
    """A replica's part of a batch, and what is known of the whole."""

    def __init__(self, model, data, mean_sizes=None, watch=None):
        data = keras.tree.map_structure(_without_optional, data)
        x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
        self._model = model
        num_parts = tf.distribute.get_strategy().num_replicas_in_sync
        # One part is the whole, of which the losses know the size.
        self._calls = []
        are_needed = mean_sizes is not None and mean_sizes.are_needed
        if num_parts > 1 or are_needed or any(are_means_of_all(model)):
            self._calls = whole_batch.calls(model, y, weights)
        num_rows = tf.shape(keras.tree.flatten(x)[0])[0]
        sizes = [tf.cast(num_rows, tf.float32)]
        for loss, *arguments in self._calls:
            sizes.append(loss.size(*arguments))
        self._own_sizes = sizes[1:]
        self._is_training = mean_sizes is not None
        if watch is not None:
            sizes += watch.sizes(x)
        (totals,) = replicas.total([tf.stack(sizes)])
        if watch is not None:
            watch.count(totals[-2:])
            totals = totals[:-2]
        share = tf.math.divide_no_nan(sizes[0], totals[0])
        sizes = totals[1:]
        if mean_sizes is not None:
            sizes = mean_sizes.counted(sizes)
        self._num_rows = num_rows
        self.tensors = (x, y, weights, sizes, share)

    def outputs(self, x, y, weights, sizes, share, training):
        """Returns the predictions, and the loss of this part."""
        num_parts = tf.distribute.get_strategy().num_replicas_in_sync
        divisors = [None] * len(self._calls)
        with contextlib.ExitStack() as stack:
            for place, (loss, *_) in enumerate(self._calls):
                if num_parts > 1 or (
                    self._is_training
                    and isinstance(loss, whole_batch.CorpusLoss)
                ):
                    stack.enter_context(loss.of_part(sizes[place], share))
                    divisors[place] = sizes[place]
            counted = PartOfLoss(
                self._model, self._num_rows, self._own_sizes, divisors, share
            )
            if training:
                context = tf.distribute.get_replica_context()
                stack.enter_context(
                    keras_names.seeds_of(context.replica_id_in_sync_group)
                )
            stack.enter_context(
                keras_names_of_losses.output_losses_counted(
                    self._model, counted.output
                )
            )
            y_pred = self._model(x, training=training)
            loss = self._model.compute_loss(
                x, y, y_pred, weights, training=training
            )
        loss = loss * tf.cast(num_parts, loss.dtype)
        counted.count(loss)
        return y_pred, loss

    def gradients(self, x, y, weights, sizes, share):
        """Returns the predictions, and the gradients of the batch's loss
        that come from this part."""
        model = self._model
        with tf.GradientTape() as tape:
            y_pred, loss = self.outputs(
                x, y, weights, sizes, share, training=True
            )
            loss = loss * tf.cast(share, loss.dtype)
            if model.optimizer is not None:
                loss = model.optimizer.scale_loss(loss)
        variables = [one.value for one in model.trainable_variables]
        gradients = tape.gradient(loss, variables)
        # Rows of an embedding that occur twice are added up, and an infinity
        # in one of them is seen.
        return y_pred, [_dense(gradient) for gradient in gradients]

    def count(self, y_pred):
        x, y, weights, *_ = self.tensors
        self._model.compute_metrics(x, y, y_pred, sample_weight=weights)


def make_function(
    model: keras.Model, step: Callable, next_steps: Callable
) -> Callable:
    """Returns what Keras calls with batches, and gets metrics from.

    `fit` and `evaluate` have an iterator; `train_on_batch` and
    `test_on_batch` a generator of one batch, which the replicas share.

    Args:
        model: `keras.Model`.
        step: a method of `Steps`.
        next_steps: function of `steps_per_execution` that returns how many
            of them to make, asked once for each execution of several.
    """
    strategy = model.distribute_strategy

    def after(data):
        tensors = tf.nest.flatten(data, expand_composites=True)
        # At the end of the data there is none, and nothing is counted.
        with tf.control_dependencies(list(filter(tf.is_tensor, tensors))):
            step(replicas.own_copy(data))

    def run(data):
        with contextlib.ExitStack() as stack:
            if model.optimizer is not None:
                stack.enter_context(
                    keras_names_of_updates.reduced_gradients(model.optimizer)
                )
            strategy.run(after, args=(data,))

    def run_more(iterator, num_steps):
        def body(done, following):
            run(following.get_value())
            following = tf.cond(
                done + 1 < num_steps,
                iterator.get_next_as_optional,
                lambda: following,
            )
            return done + 1, following

        tf.while_loop(
            lambda done, following: (done < num_steps) & following.has_value(),
            body,
            (tf.constant(0), iterator.get_next_as_optional()),
        )

    def execute(iterator, num_steps=None):
        with strategy.scope():
            # At the end of the data this raises what Keras waits for.
            run(iterator.get_next())
            if num_steps is not None:
                # It takes a batch at once, which may be the next epoch's.
                tf.cond(
                    num_steps > 1,
                    lambda: run_more(iterator, num_steps - 1),
                    lambda: None,
                )
            return model.get_metrics_result()

    def execute_batch(data):
        with strategy.scope():
            run(data)
            return model.get_metrics_result()

    if strategies.is_tpu(strategy):
        execute_batch = tf.function(execute_batch, autograph=False)
        execute_next = _of_known_shapes(model, execute_batch, next_steps)
    else:
        if not model.run_eagerly:
            graph = functools.partial(
                tf.function, reduce_retracing=True, autograph=False
            )
            execute, execute_batch = graph(execute), graph(execute_batch)

        def execute_next(iterator):
            if model.steps_per_execution == 1:
                return execute(iterator)
            num_steps = next_steps(model.steps_per_execution)
            return execute(iterator, tf.constant(num_steps))

    def function(batches):
        if isinstance(batches, _ITERATORS):
            return execute_next(batches)
        return execute_batch(strategies.parted(next(batches), strategy))

    return function


def _of_known_shapes(model, execute_batch, next_steps):
    """Returns the same for a TPU: a program for each shape of a batch.

    Where one program takes batches of several shapes, TPUStrategy makes it
    of sizes that are known at most.
    """

    def execute_several(iterator):
        # At the end of the data this raises what Keras waits for.
        result = execute_batch(iterator.get_next())
        for _ in range(next_steps(model.steps_per_execution) - 1):
            following = iterator.get_next_as_optional()
            if not following.has_value():
                break
            result = execute_batch(following.get_value())
        return result

    return execute_several


def _without_optional(value):
    return None if isinstance(value, tf.experimental.Optional) else value


def _dense(gradient):
    return None if gradient is None else tf.convert_to_tensor(gradient)
