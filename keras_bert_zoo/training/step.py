"""The step of `fit` and of `evaluate`, on one replica or on several.

    part of a batch -> sizes of the part           -> summed over the replicas
                    -> forward: sums of the losses
                    -> gradients of sums / sizes   -> summed over the replicas
                    -> clip, update                   the same everywhere
                    -> reported loss, metrics         summed when they are read

Nothing that depends on a whole batch is computed from a part of it: what a
loss is divided by, the norm that gradients are clipped by, and whether they
are finite are those of one device with the same batch.
"""

import functools
from collections.abc import Callable
from typing import Any
from typing import NamedTuple

import keras
import tensorflow as tf

from keras_bert_zoo.training import distribution
from keras_bert_zoo.training import keras_private
from keras_bert_zoo.training.losses import Losses
from keras_bert_zoo.training.losses import MeanBatchSizes
from keras_bert_zoo.training.losses import ReportedLoss
from keras_bert_zoo.training.losses import Targets
from keras_bert_zoo.training.optimizers import updates

_ITERATORS = (tf.data.Iterator, tf.distribute.DistributedIterator)


class _Part(NamedTuple):
    """A replica's part of a batch, and what is known of the whole batch."""

    x: Any
    y: Any
    sample_weight: Any
    targets: list[Targets]
    sizes: tf.Tensor  # (outputs,), of the part.
    divisors: tf.Tensor  # (outputs,), of the batch.
    num_examples: tf.Tensor  # Of the part.
    total: tf.Tensor  # Examples of the batch.


class _Loss(NamedTuple):
    """What the losses of a part of a batch are."""

    sums: tf.Tensor  # (outputs,)
    others: tf.Tensor  # Those that layers add.
    part: tf.Tensor  # Of the batch's loss, that which comes from the part.


class Step:
    """What a replica does with its part of a batch.

    Made under the scope of the strategy that the model is trained under.

    Args:
        model: `ReplicatedModel`, compiled and built; its `counters` are
            filled when training.
        types: `(x, y, sample_weight)` of symbolic tensors, as batches have
            them.

    Attributes:
        reported_loss: `ReportedLoss`.
        mean_sizes: `MeanBatchSizes`.
    """

    def __init__(self, model: keras.Model, types: tuple):
        self._model = model
        self._losses = Losses(model, types)
        self.reported_loss = ReportedLoss(self._losses.outputs)
        self.mean_sizes = MeanBatchSizes(self._losses.outputs)

    def train(self, data: Any) -> None:
        """Updates weights and metrics."""
        model = self._model
        part = self._read(data, training=True)

        def differentiate(*inputs):
            part = _Part(*inputs)
            with tf.GradientTape() as tape:
                y_pred, loss = self._forward(part, training=True)
                scaled = loss.part
                if model.optimizer is not None:
                    scaled = model.optimizer.scale_loss(scaled)
            variables = [one.value for one in model.trainable_variables]
            gradients = tape.gradient(scaled, variables)
            # Rows of an embedding that occur twice are added up, and an
            # infinity in one of them is seen.
            return y_pred, loss, [_dense(one) for one in gradients]

        if model.jit_compile:
            # One for each replica, whose variables it holds.
            differentiate = tf.function(differentiate, jit_compile=True)
        y_pred, loss, gradients = differentiate(*part)
        variables = model.trainable_variables
        if variables:
            gradients = distribution.total(gradients)
            if model.counters is not None:
                model.counters.measure(gradients, model.optimizer)
            updates.apply_sums(model.optimizer, gradients, variables)
        self._count(part, y_pred, loss)

    def test(self, data: Any) -> Any:
        """Updates metrics alone, and returns the predictions."""
        part = self._read(data, training=False)
        y_pred, loss = self._forward(part, training=False)
        self._count(part, y_pred, loss)
        return y_pred

    def _read(self, data, training):
        """Returns a part, and what its losses are divided by."""
        data = keras.tree.map_structure(_without_optional, data)
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        targets = self._losses.targets(y, sample_weight)
        num_examples = tf.cast(
            tf.shape(keras.tree.flatten(x)[0])[0], tf.float32
        )
        counters = self._model.counters if training else None
        counts = [num_examples]
        if counters is not None:
            counts += counters.sizes(x)
        sizes = tf.stack([*counts, *self._losses.sizes(targets)])
        (totals,) = distribution.total([sizes])
        if counters is not None:
            counters.count(totals[1:3])
        return _Part(
            x,
            y,
            sample_weight,
            targets,
            sizes[len(counts) :],
            self.mean_sizes.divisors(totals[len(counts) :], training),
            num_examples,
            totals[0],
        )

    def _forward(self, part, training):
        """Returns the predictions and the losses of a part."""
        fraction = tf.math.divide_no_nan(part.num_examples, part.total)
        if tf.distribute.get_replica_context().num_replicas_in_sync > 1:
            for loss in self._losses.outputs:
                loss.check_replicas()
        y_pred = self._model(part.x, training=training)
        sums = self._losses.sums(part.targets, y_pred, part.sizes, fraction)
        others = tf.zeros([])
        for loss in self._model.losses:
            others += tf.cast(loss, tf.float32)
        means = tf.math.divide_no_nan(sums, part.divisors)
        of_part = self._losses.weighted(means) + others * fraction
        return y_pred, _Loss(sums, others, of_part)

    def _count(self, part, y_pred, loss):
        """Adds a part to the reported loss and to the metrics."""
        self.reported_loss.update_state(
            loss.sums,
            part.sizes,
            part.divisors,
            loss.others,
            part.num_examples,
            part.total,
        )
        self._model.compute_metrics(
            part.x, part.y, y_pred, sample_weight=part.sample_weight
        )


def make_step_function(model: keras.Model, step: Callable) -> Callable:
    """Returns a function that runs steps and returns the metrics so far.

    Its arguments are batches and the number of steps: an iterator of a data
    set, or a generator of one batch, which the replicas share.

    Args:
        model: `ReplicatedModel`.
        step: function of a batch: what a replica does with its part.
    """
    strategy = model.distribute_strategy

    def after(data):
        tensors = tf.nest.flatten(data, expand_composites=True)
        # At the end of the data there is none, and nothing is counted.
        with tf.control_dependencies(list(filter(tf.is_tensor, tensors))):
            step(distribution.own_copy(data))

    def run(data):
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
        with strategy.scope(), keras_private.released_gradients():
            # At the end of the data this raises what the loop waits for.
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
        with strategy.scope(), keras_private.released_gradients():
            run(data)
            return model.get_metrics_result()

    if distribution.is_tpu(strategy):
        execute_batch = tf.function(execute_batch, autograph=False)
        execute_next = _by_shape(execute_batch)
    else:
        if not model.run_eagerly:
            graph = functools.partial(
                tf.function, reduce_retracing=True, autograph=False
            )
            execute, execute_batch = graph(execute), graph(execute_batch)

        def execute_next(iterator, num_steps):
            if model.steps_per_execution == 1:
                return execute(iterator)
            return execute(iterator, tf.constant(num_steps))

    def function(batches, num_steps=1):
        if isinstance(batches, _ITERATORS):
            return execute_next(batches, num_steps)
        data = next(batches)
        model.build_steps(data)
        return execute_batch(distribution.parted(data, strategy))

    return function


def _by_shape(execute_batch):
    """Returns the same for a TPU: a program for each shape of a batch.

    Where one program takes batches of several shapes, TPUStrategy makes it
    of sizes that are known at most.
    """

    def execute_next(iterator, num_steps):
        # At the end of the data this raises what the loop waits for.
        result = execute_batch(iterator.get_next())
        for _ in range(num_steps - 1):
            following = iterator.get_next_as_optional()
            if not following.has_value():
                break
            result = execute_batch(following.get_value())
        return result

    return execute_next


def _without_optional(value):
    return None if isinstance(value, tf.experimental.Optional) else value


def _dense(gradient):
    return None if gradient is None else tf.convert_to_tensor(gradient)
