"""Cross-entropies of single labels.

The label -1, of examples to score that have one the head does not know, is
allowed: such an example weighs nothing.
"""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="task_heads")
class Crossentropy(keras.losses.SparseCategoricalCrossentropy):
    """Keras's, for labels of at least -1."""

    def call(self, y_true, y_pred):
        return super().call(ops.maximum(y_true, 0), y_pred)


@keras.saving.register_keras_serializable(package="task_heads")
class SmoothedCrossentropy(keras.losses.Loss):
    """Cross-entropy with label smoothing, from logits.

    The right label is to have `1 - s + s / L`, every other one `s / L`.

    Args:
        label_smoothing: float in [0, 1). `s`.

    Call arguments:
        y_true: int `(B,)` labels.
        y_pred: float `(B, L)` logits.

    Source: Szegedy et al., 2016 (arXiv:1512.00567), section 7.
    """

    def __init__(
        self,
        label_smoothing: float,
        name: str = "smoothed_crossentropy",
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        self.label_smoothing = label_smoothing

    def call(self, y_true, y_pred):
        scores = ops.log_softmax(y_pred)  # (B, L)
        # Keras hands labels over as `(B,)` or `(B, 1)`.
        labels = ops.reshape(ops.cast(y_true, "int32"), (-1, 1))
        labels = ops.maximum(labels, 0)
        right = ops.take_along_axis(scores, labels, axis=-1)[:, 0]
        smoothing = self.label_smoothing
        return (smoothing - 1.0) * right - smoothing * ops.mean(scores, axis=-1)

    def get_config(self):
        return {
            **super().get_config(),
            "label_smoothing": self.label_smoothing,
        }
