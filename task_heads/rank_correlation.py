"""Spearman's rank correlation, which needs all values at once."""

from collections.abc import Sequence

import numpy as np


def spearman_correlation(
    truth: Sequence[float], predicted: Sequence[float]
) -> float:
    """Returns the correlation of the ranks of two lists of numbers.

    Equal values share the mean of their ranks. 0 where either list is
    constant, for which scipy's `spearmanr` has NaN, or empty.

    Args:
        truth, predicted: the numbers of each example, in the same order.

    Returns:
        float in [-1, 1].

    Source: Spearman, 1904, "The proof and measurement of association
    between two things".
    """
    first, second = _centered_ranks(truth), _centered_ranks(predicted)
    scale = np.sqrt(first @ first) * np.sqrt(second @ second)
    return float(first @ second / scale) if scale else 0.0


def _centered_ranks(values: Sequence[float]) -> np.ndarray:
    """Returns each value's rank less the mean rank, float64 `(N,)`."""
    _, index, counts = np.unique(
        np.asarray(values, "float64"), return_inverse=True, return_counts=True
    )
    ranks = np.cumsum(counts) - (counts - 1) / 2  # of each distinct value
    return ranks[index] - (len(index) + 1) / 2
