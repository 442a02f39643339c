"""Perplexity as a Keras metric."""

import keras

from task_heads.metrics import TokenMean


@keras.saving.register_keras_serializable(package="task_heads")
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
        surprise = keras.ops.sparse_categorical_crossentropy(
            y_true, y_pred, from_logits=True
        )
        super().update_state(surprise, sample_weight)

    def result(self):
        return keras.ops.exp(super().result())
