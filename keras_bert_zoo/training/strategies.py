"""Which strategies a model can be trained under."""

import contextlib
import os

import keras
import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.training import keras_names

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
        if "TF_CONFIG" not in os.environ:
            raise InputError(
                "Workers find each other by the variable TF_CONFIG. Received: "
                "none. Set it in each process, or take another strategy."
            )
        return tf.distribute.MultiWorkerMirroredStrategy().scope()
    if name == "tpu":
        return _tpu().scope()
    raise InputError(
        f"The strategy must be one of {', '.join(NAMES)}. Received: {name!r}."
    )


def _tpu():
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver.connect()
    except (ValueError, tf.errors.OpError) as error:
        raise InputError(
            f"A TPU is needed. Received: none that answers ({error}). Run on "
            "a TPU host, or take another strategy."
        ) from error
    return tf.distribute.TPUStrategy(resolver)


def check_scope(model: keras.Model) -> None:
    """Refuses to compile what would not train as it says.

    Args:
        model: about to be compiled.

    Raises:
        InputError: if the strategy in scope is not the model's, or is one
            that Keras cannot train under; or if `keras.distribution` is set.
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


def _named(strategy):
    return "none" if strategy is None else f"a {type(strategy).__name__}"
