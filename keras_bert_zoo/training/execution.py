"""One or several steps as one call into TensorFlow, on all replicas."""

import contextlib
import functools
from collections.abc import Callable

import keras
import tensorflow as tf

from keras_bert_zoo.training import distribution
from keras_bert_zoo.training import keras_private

_ITERATORS = (tf.data.Iterator, tf.distribute.DistributedIterator)


def make_function(model: keras.Model, find_step: Callable) -> Callable:
    """Returns a function that runs steps and returns the metrics so far.

    Its arguments are batches and the number of steps: an iterator of a data
    set, or a generator of one batch, which the replicas share.

    Args:
        model: `ReplicatedModel`.
        find_step: function of a batch, or its types, that returns what a
            replica does with its part. Called once, outside of graphs.
    """
    strategy = model.distribute_strategy
    found: list[Callable] = []

    def step_on(data):
        if not found:
            found.append(find_step(data))

    def after(data):
        tensors = tf.nest.flatten(data, expand_composites=True)
        # At the end of the data there is none, and nothing is counted.
        with tf.control_dependencies(list(filter(tf.is_tensor, tensors))):
            found[0](distribution.own_copy(data))

    def run(data):
        with contextlib.ExitStack() as stack:
            if model.optimizer is not None:
                stack.enter_context(
                    keras_private.reduced_gradients(model.optimizer)
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
        with strategy.scope():
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
            step_on(batches.element_spec)
            return execute_next(batches, num_steps)
        data = next(batches)
        step_on(data)
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
