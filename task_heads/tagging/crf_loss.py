"""The loss of a chain of tags."""

import keras
from keras import ops

from task_heads.tagging import crf
from task_heads.token_weights import token_weights


@keras.saving.register_keras_serializable(package="task_heads")
class CrfLoss(keras.losses.Loss):
    """Negative log-likelihood of the words' tags, per word.

    A sum over the sequences of a batch, divided by its words, so that it
    compares with the cross-entropy of one word; with `reduction="sum"` the
    sum alone.

    Call arguments:
        y_true: int `(R, S)` tags.
        y_pred: float `(R, S, L + 1, L)` potentials.
        sample_weight: float `(R, S)`, above 0 for the tokens that are words,
            or `(R,)` for whole sequences; they count alike. All are words
            where it is `None`.
    """

    def __init__(self, name: str = "crf_loss", reduction="mean", **kwargs):
        super().__init__(name=name, reduction=reduction, **kwargs)

    def size(self, y_true, sample_weight=None):
        """Returns the number of words, float32."""
        return ops.sum(ops.cast(_is_word(y_true, sample_weight), "float32"))

    def __call__(self, y_true, y_pred, sample_weight=None):
        potentials = ops.cast(y_pred, "float32")
        tags = ops.cast(y_true, "int32")
        is_word = _is_word(tags, sample_weight)
        pairs, total = crf.pair_marginals(potentials, is_word)
        path = crf.path_pairs(tags, is_word, potentials.shape[-1])
        # The gradient is what the model expects less what is there. So it
        # need not be found by a second run through the loops.
        slope = ops.stop_gradient(pairs - path)
        tangent = ops.sum(slope * potentials)
        loss = ops.sum(total) - ops.sum(path * potentials)
        loss = tangent + ops.stop_gradient(loss - tangent)
        if self.reduction == "sum":
            return loss
        return loss / ops.maximum(self.size(tags, sample_weight), 1.0)


def _is_word(tags, sample_weight):
    return token_weights(tags, sample_weight) > 0
