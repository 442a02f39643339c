"""What the replicas of a strategy do together, in their own context."""

from collections.abc import Callable
from collections.abc import Sequence

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
