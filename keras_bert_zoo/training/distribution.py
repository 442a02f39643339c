"""Strategies of `tf.distribute`: their replicas and their workers."""

import contextlib
import functools
import json
import os
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.training.signals import default_signal_handlers

NAMES = ("one", "mirrored", "workers", "tpu")


def scope_of(name: str) -> contextlib.AbstractContextManager:
    """Returns the scope in which a model is made and compiled.

    Call it before anything else of TensorFlow.

    Args:
        name: str. `one` device; `mirrored` on all GPUs of this machine;
            several `workers`, named in `TF_CONFIG`; or a `tpu`.

    Raises:
        InputError: if the name is another, or there are no such devices.
    """
    if name == "one":
        return contextlib.nullcontext()
    if name == "mirrored":
        return tf.distribute.MirroredStrategy().scope()
    if name == "workers":
        return _workers().scope()
    if name == "tpu":
        return _tpu().scope()
    raise InputError(
        f"The strategy must be one of {', '.join(NAMES)}. Received: {name!r}."
    )


def _workers():
    text = os.environ.get("TF_CONFIG")
    rule = "Workers find each other by the variable TF_CONFIG"
    example = (
        'Set it in each process, such as {"cluster": {"worker": '
        '["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": '
        "0}}, or take another strategy."
    )
    if text is None:
        raise InputError(f"{rule}. Received: none. {example}")
    try:
        config = json.loads(text)
        is_whole = bool(config["cluster"] and config["task"])
    except (KeyError, RecursionError, TypeError, ValueError):
        is_whole = False
    if not is_whole:
        raise InputError(
            f"{rule}, JSON with cluster and task. Received: {text!r:.200}. "
            f"{example}"
        )
    try:
        with default_signal_handlers():
            return tf.distribute.MultiWorkerMirroredStrategy()
    except (TypeError, ValueError, tf.errors.OpError) as error:
        raise InputError(
            f"{rule}. Received: {text!r:.200}, which TensorFlow cannot use: "
            f"{error}. {example}"
        ) from error


def _tpu():
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver.connect()
    except (ValueError, tf.errors.OpError) as error:
        raise InputError(
            f"A TPU is needed. Received: none that answers ({error}). Run on "
            "a TPU host, or take another strategy."
        ) from error
    return tf.distribute.TPUStrategy(resolver)


def strategy_of(model: keras.Model) -> tf.distribute.Strategy | None:
    """Returns the strategy that a model was made under, or that in scope."""
    strategy = model.distribute_strategy
    # TensorFlow's stands for having none.
    has_none = type(strategy).__name__.startswith("_Default")
    return None if has_none else strategy


def is_tpu(strategy: tf.distribute.Strategy) -> bool:
    """Returns whether replicas are cores of a TPU."""
    kinds = tf.distribute.TPUStrategy, tf.distribute.experimental.TPUStrategy
    return isinstance(strategy, kinds)


def parted(batch: Any, strategy: tf.distribute.Strategy) -> Any:
    """Returns a batch as an iterator of a strategy's data gives it.

    Args:
        batch: arrays with an entry for each example, nested in any way; or
            `None` in their place.
        strategy: of whose replicas each gets a part.
    """
    if strategy.num_replicas_in_sync == 1:
        return batch
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    # A data set would take a list of inputs for one.
    batch = keras.tree.lists_to_tuples(batch)
    dataset = tf.data.Dataset.from_tensors(batch).with_options(options)
    return next(iter(strategy.experimental_distribute_dataset(dataset)))


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
