"""Loss and metric over the tokens at which an answer may begin or end."""

import keras
from keras import ops

from task_heads.span_qa.features import ALLOWED
from task_heads.span_qa.features import TARGET

_NEVER = -1e9


@keras.saving.register_keras_serializable(package="task_heads")
class PlaceCrossentropy(keras.losses.Loss):
    """Cross-entropy of the start or the end of the answer, halved.

    Takes labels `(R, S)` of `EXCLUDED`, `ALLOWED` and, once in a row,
    `TARGET`, and logits `(R, S)`. Padding and the question take no part.
    """

    def __init__(self, reduction="mean_with_sample_weight", name=None):
        super().__init__(name=name, reduction=reduction)

    def call(self, y_true, y_pred):
        scores = allowed_scores(y_true, y_pred)
        is_target = ops.equal(y_true, TARGET)
        target = ops.sum(ops.where(is_target, y_pred, 0.0), axis=-1)
        return 0.5 * (ops.logsumexp(scores, axis=-1) - target)


@keras.saving.register_keras_serializable(package="task_heads")
def place_accuracy(y_true, y_pred):
    """Returns float `(R,)`: 1 where the best allowed token is the target."""
    best = ops.argmax(allowed_scores(y_true, y_pred), axis=-1)
    return ops.cast(ops.equal(best, ops.argmax(y_true, axis=-1)), "float32")


def allowed_scores(y_true, y_pred):
    """Returns the logits `(R, S)`, -1e9 where no answer may be."""
    y_pred = ops.cast(y_pred, "float32")
    return ops.where(ops.greater_equal(y_true, ALLOWED), y_pred, _NEVER)
