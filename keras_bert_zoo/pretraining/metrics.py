"""Loss and metrics of masked tokens."""

import keras
import tensorflow as tf
from keras import ops

from keras_bert_zoo.layers.own_gradient import own_gradient
from keras_bert_zoo.training.token_means import TokenMean


def surprise(y_true, y_pred):
    """Returns the negative log-probability of each true token, `(R, P)`.

    Loss and perplexity compute it with the same operations, of which
    TensorFlow then keeps one: the logits of a vocabulary are large. It takes
    the softmax of oneDNN, and so a fifth of the time of Keras's cross-entropy
    on a processor.

    Args:
        y_true: `(R, P)` token ids.
        y_pred: float `(R, P, V)` logits.
    """
    return _surprise(ops.cast(y_true, "int32"), y_pred)


@own_gradient
def _surprise(y_true, y_pred):
    shares = tf.nn.softmax(y_pred)
    # Of the highest, which is at least 1 / V: others may be 0.
    highest = _highest(y_pred)
    log_total = _at(y_pred, highest) - tf.math.log(_at(shares, highest))

    def gradient(upstream):
        hits = tf.one_hot(y_true, y_pred.shape[-1], dtype=y_pred.dtype)
        return None, (shares - hits) * upstream[..., None]

    return log_total - _at(y_pred, y_true), gradient


def _highest(scores):
    # Not by Keras's own, which looks for negative zeros in four more passes.
    return tf.argmax(scores, axis=-1, output_type=tf.int32)


def _at(values, indices):
    return tf.gather(values, indices, axis=-1, batch_dims=2)


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class TokenLoss(keras.losses.Loss):
    """Cross-entropy of masked tokens: see `Perplexity` for call arguments."""

    def call(self, y_true, y_pred):
        return surprise(y_true, y_pred)


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class Perplexity(TokenMean):
    """Exponential of the mean negative log-probability of the true token.

    Call arguments of `update_state`:
        y_true: int `(R, P)` token ids.
        y_pred: float `(R, P, V)` logits.
        sample_weight: float `(R, P)`, 0 for what does not count; or `(R,)`
            for whole sequences.
    """

    def __init__(self, name: str = "perplexity", **kwargs):
        super().__init__(name=name, **kwargs)
        self._direction = "down"

    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(surprise(y_true, y_pred), sample_weight)

    def result(self):
        return keras.ops.exp(super().result())


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class TokenAccuracy(TokenMean):
    """Fraction of masked tokens that score highest.

    Call arguments of `update_state`: see `Perplexity`.
    """

    def __init__(self, name: str = "accuracy", **kwargs):
        super().__init__(name=name, **kwargs)
        self._direction = "up"

    def update_state(self, y_true, y_pred, sample_weight=None):
        is_right = ops.equal(ops.cast(y_true, "int32"), _highest(y_pred))
        super().update_state(ops.cast(is_right, self.dtype), sample_weight)
