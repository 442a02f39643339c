"""Which strategies a model can be trained under."""

import keras
import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.training import keras_names


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
