"""Which strategies a model can be trained under."""

import contextlib
import json
import os
from typing import Any

import keras
import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.training import keras_names
from keras_bert_zoo.training.termination import left_to_the_system

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
        with left_to_the_system():
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


def check_scope(model: keras.Model, optimizer: Any = None) -> None:
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
    if isinstance(
        strategy,
        (
            tf.distribute.ParameterServerStrategy,
            tf.distribute.experimental.ParameterServerStrategy,
        ),
    ):
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
    own = keras_names.strategy_of(model)
    in_scope = strategy if tf.distribute.has_strategy() else None
    if own is not in_scope:
        raise InputError(
            "A model is made and compiled under the scope of one strategy. "
            f"Received: a model made under {_named(own)}, compiled under "
            f"{_named(in_scope)}. Do both in one `with strategy.scope():`."
        )
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        return
    its = keras_names.strategy_of_optimizer(optimizer)
    if its is not strategy:
        raise InputError(
            "An optimizer is made under the scope of its model's strategy. "
            f"Received: an optimizer made under {_named(its)}, a model made "
            f"under {_named(own)}. Make both in one `with strategy.scope():`."
        )


def _named(strategy):
    name = type(strategy).__name__
    # TensorFlow's stands for having none.
    if strategy is None or name.startswith("_Default"):
        return "none"
    return f"a {name}"
