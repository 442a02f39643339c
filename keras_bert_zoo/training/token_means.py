"""Means over the tokens of all sequences, and what each token weighs."""

import keras
from keras import ops


def token_weights(tokens, sample_weight):
    """Returns what each token weighs, float32 like `tokens`, `(R, S)`.

    Args:
        tokens: `(R, S)`.
        sample_weight: as `TokenMean.update_state` takes it.
    """
    if sample_weight is None:
        return ops.ones_like(tokens, "float32")
    weights = ops.cast(sample_weight, "float32")
    if len(weights.shape) == 1:
        weights = weights[:, None]
    return ops.broadcast_to(weights, ops.shape(tokens))


class TokenMean(keras.metrics.Mean):
    """Mean over the tokens of all sequences.

    Keras would average within sequences first, and so weigh a token less where
    its batch is wider.

    Call arguments of `update_state`:
        values: `(R, S)`, one for each token.
        sample_weight: float `(R, S)`, or `(R,)` for whole sequences; `None`:
            all weigh alike.
    """

    def update_state(self, values, sample_weight=None):
        weights = token_weights(values, sample_weight)
        super().update_state(
            ops.reshape(values, (-1,)), ops.reshape(weights, (-1,))
        )
