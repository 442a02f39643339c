"""Initial biases of a new head, from the frequencies of its labels."""

from collections.abc import Sequence

import keras
import numpy as np


def is_new(layer: keras.layers.Layer) -> bool:
    """Returns whether a layer's bias is still as initialized: zeros."""
    return not np.any(keras.ops.convert_to_numpy(layer.bias))


def log_frequencies(
    counts: Sequence[float], prior_count: float = 1.0
) -> np.ndarray:
    """Returns logits whose softmax is the frequencies, float32 `(L,)`.

    Args:
        counts: number of times each of `L` labels occurs, or the sum of its
            weights.
        prior_count: float. Added to each, so that none is impossible.
    """
    counts = np.asarray(counts, "float64") + prior_count
    return np.log(counts / counts.sum()).astype("float32")


def log_odds(counts: Sequence[float], total: float) -> np.ndarray:
    """Returns logits whose sigmoid is the frequencies, float32 `(L,)`.

    Args:
        counts: number of the `total` examples that have each of `L` labels.
        total: number of examples.
    """
    counts = np.asarray(counts, "float64")
    odds = (counts + 1.0) / (total - counts + 1.0)
    return np.log(odds).astype("float32")
