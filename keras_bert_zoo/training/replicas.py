"""What the replicas of a strategy do together, in their own context."""

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import tensorflow as tf


def total(tensors: Sequence[tf.Tensor | None]) -> list[tf.Tensor | None]:
    """Returns the sums over all replicas; of one replica, what it has."""
    context = tf.distribute.get_replica_context()
    # Outside of the replicas Keras asks for nothing but shapes.
    if context is None or context.num_replicas_in_sync == 1:
        return list(tensors)
    present = [tensor for tensor in tensors if tensor is not None]
    if not present:
        return list(tensors)
    sums = iter(context.all_reduce(tf.distribute.ReduceOp.SUM, present))
    return [None if tensor is None else next(sums) for tensor in tensors]


def conditional(
    predicate: tf.Tensor,
    if_true: Callable,
    if_false: Callable,
    arguments: tuple = (),
) -> None:
    """Runs one of two functions on every replica.

    A replica cannot wait for the others inside a branch. So all take the
    branch together, and each enters it anew.

    Args:
        predicate: bool scalar, the same on all replicas.
        if_true, if_false: what a replica does. They return nothing.
        arguments: of both functions.
    """

    def run(strategy, predicate, arguments):
        predicate = strategy.experimental_local_results(predicate)[0]

        def branch(function):
            strategy.extended.call_for_each_replica(function, args=arguments)
            return tf.constant(True)

        tf.cond(predicate, lambda: branch(if_true), lambda: branch(if_false))

    context = tf.distribute.get_replica_context()
    context.merge_call(run, args=(predicate, arguments))


def own_copy(data: Any) -> Any:
    """Returns a replica's part of a batch in memory of its own.

    Arrays that Python hands to a data set stay where they are, and
    TensorFlow, which does not know of their owner, writes results into them:
    a `PyDataset` would give other labels in the next epoch. What goes to
    another device is copied anyway.

    Args:
        data: tensors, nested in any way; other things stay as they are.
    """
    if not _is_on_host():
        return data

    def copied(value):
        return tf.raw_ops.DeepCopy(x=value) if tf.is_tensor(value) else value

    return tf.nest.map_structure(copied, data, expand_composites=True)


def _is_on_host():
    if tf.distribute.has_strategy():
        # Of this worker; a replica's own context knows them of the first one.
        devices = tf.distribute.get_strategy().extended.worker_devices
        return all("CPU" in device for device in devices)
    kinds = {device.device_type for device in tf.config.list_logical_devices()}
    return kinds <= {"CPU"}
