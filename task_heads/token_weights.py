"""What each token weighs in a sum over tokens."""

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
