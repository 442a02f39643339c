"""Accuracy of tokens as a Keras metric."""

import keras
from keras import ops

from task_heads.metrics import TokenMean


@keras.saving.register_keras_serializable(package="task_heads")
class TokenAccuracy(TokenMean):
    """Share of hidden tokens that score highest.

    Call arguments of `update_state`: see `Perplexity`.
    """

    def __init__(self, name: str = "accuracy", **kwargs):
        super().__init__(name=name, **kwargs)
        self._direction = "up"

    def update_state(self, y_true, y_pred, sample_weight=None):
        is_right = ops.equal(
            ops.cast(y_true, "int32"),
            ops.cast(ops.argmax(y_pred, axis=-1), "int32"),
        )
        super().update_state(ops.cast(is_right, self.dtype), sample_weight)
