"""What the processes of one strategy tell each other, between steps.

All of them call each function here at the same point of the run.
"""

import functools
import json
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

_SUM = tf.distribute.ReduceOp.SUM


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Returns whether this process writes what all share."""
    resolver = _resolver(strategy)
    if resolver is None:
        return True
    has_chief = "chief" in resolver.cluster_spec().as_dict()
    if has_chief:
        return resolver.task_type == "chief"
    return resolver.task_id == 0


def are_several(strategy: tf.distribute.Strategy) -> bool:
    """Returns whether other processes take part."""
    return _resolver(strategy) is not None


def any_of(strategy: tf.distribute.Strategy, flags: np.ndarray) -> np.ndarray:
    """Returns for each flag whether it is set on some worker.

    Args:
        strategy: of all workers.
        flags: bool `(N,)`, this worker's.
    """
    if _resolver(strategy) is None:
        return flags
    return _summed(strategy, tf.constant(flags, tf.int32)).numpy() > 0


def from_chief(
    strategy: tf.distribute.Strategy,
    state: dict | None,
    arrays: Mapping[str, np.ndarray],
) -> tuple[dict | None, Mapping[str, np.ndarray]]:
    """Returns what the chief gives; what others give plays no part.

    Args:
        strategy: of all workers.
        state: JSON-able.
        arrays: by name.
    """
    if _resolver(strategy) is None:
        return state, arrays
    kinds = {
        name: (array.dtype.name, array.shape) for name, array in arrays.items()
    }
    text = json.dumps([state, kinds]).encode()
    # Others have no text, or one of another length.
    size = _sent(strategy, np.int64(len(text)))
    padded = np.zeros(size, np.uint8)
    padded[: len(text)] = np.frombuffer(text, np.uint8)[:size]
    text = bytes(_sent(strategy, padded))
    state, kinds = json.loads(text)
    received = {}
    for name, (dtype, shape) in kinds.items():
        own = arrays.get(name)
        if own is None or (own.dtype.name, list(own.shape)) != (dtype, shape):
            # NumPy alone has no bfloat16.
            own = np.zeros(shape, tf.as_dtype(dtype).as_numpy_dtype)
        received[name] = _sent(strategy, own)
    return state, received


def _sent(strategy, array):
    # Sums of float32 and of 32-bit halves go between workers unchanged.
    raw = np.atleast_1d(np.ascontiguousarray(array)).view(np.uint8)
    padding = -raw.size % 4
    words = np.pad(raw.ravel(), (0, padding)).view(np.int32)

    words = _summed(strategy, tf.constant(words), only_first=True).numpy()
    raw = words.view(np.uint8)[: raw.size]
    return raw.view(np.asarray(array).dtype).reshape(np.shape(array))


def _summed(strategy, numbers, only_first=False):
    """Returns the sum of what all replicas have, or what the first has.

    Args:
        strategy: of all workers.
        numbers: int32 `(N,)`.
        only_first: bool.
    """
    return _sum_function(strategy, only_first)(numbers)


@functools.cache
def _sum_function(strategy, only_first):
    def give(numbers):
        if not only_first:
            return numbers
        context = tf.distribute.get_replica_context()
        is_first = context.replica_id_in_sync_group == 0
        return tf.where(is_first, numbers, tf.zeros_like(numbers))

    def add_up(numbers):
        return strategy.reduce(
            _SUM, strategy.run(give, args=(numbers,)), axis=None
        )

    # One program for each length would be traced anew, again and again.
    return tf.function(
        add_up,
        input_signature=[tf.TensorSpec((None,), tf.int32)],
        autograph=False,
    )


def _resolver(strategy):
    """Returns who the workers are; `None` for a single process."""
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return None
    resolver = strategy.cluster_resolver
    # Without a cluster, TensorFlow makes one worker of this process.
    return resolver if resolver.cluster_spec().as_dict() else None
