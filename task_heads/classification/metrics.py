"""Metrics that Keras lacks, computed over a whole data set."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from keras_bert_zoo.training import distribution

# Of float32: what a number may be rounded by, as a fraction of it.
_EPSILON = 2.0**-23


class _LabelCounts(keras.metrics.Metric):
    """How often each label was found, was predicted and was true."""

    def __init__(self, num_labels: int, name: str, **kwargs):
        super().__init__(name=name, **kwargs)
        # For Keras' callbacks, which know the direction of its own metrics.
        self._direction = "up"
        self.num_labels = num_labels
        self.counts = self.add_variable((3, num_labels), "zeros", name="counts")

    def truth_and_guess(self, y_true, y_pred):
        """Returns the true and the predicted labels, `(B, L)` of 0 and 1."""
        return _one_hot(y_true, y_pred, self.num_labels, self.dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        truth, guess = self.truth_and_guess(y_true, y_pred)
        counted = ops.stack([truth * guess, guess, truth])  # (3, B, L)
        weight = _column(sample_weight, self.dtype)
        self.counts.assign_add(ops.sum(weight * counted, axis=1))

    def hits_predicted_actual(self):
        """Returns the three counts of each label, float `(L,)`."""
        return ops.unstack(ops.convert_to_tensor(self.counts), 3)

    def get_config(self):
        return {**super().get_config(), "num_labels": self.num_labels}


@keras.saving.register_keras_serializable(package="task_heads")
class MacroF1(_LabelCounts):
    """Mean over the labels of F1, from logits.

    A label that occurs neither in the truth nor in the predictions counts as
    0, as in scikit-learn's `f1_score(average="macro", labels=all)`.

    Args:
        num_labels: int.
        multi_label: bool. Whether the truth is `(B, L)` of 0 and 1 rather
            than `(B,)` indices or `(B, L)` probabilities, of which the
            highest counts.

    Call arguments of `update_state`:
        y_true: the truth.
        y_pred: float `(B, L)` logits.
        sample_weight: float `(B,)` or `(B, 1)`, or `None`: all weigh alike.

    Source: the weights are those of scikit-learn's `f1_score`.
    """

    def __init__(
        self,
        num_labels: int,
        multi_label: bool = False,
        name: str = "macro_f1",
        **kwargs,
    ):
        super().__init__(num_labels, name, **kwargs)
        self.multi_label = multi_label

    def truth_and_guess(self, y_true, y_pred):
        if not self.multi_label:
            return super().truth_and_guess(y_true, y_pred)
        guess = ops.greater(y_pred, 0.0)
        return ops.cast(y_true, self.dtype), ops.cast(guess, self.dtype)

    def result(self):
        hits, predicted, actual = self.hits_predicted_actual()
        return ops.mean(ops.divide_no_nan(2.0 * hits, predicted + actual))

    def get_config(self):
        return {**super().get_config(), "multi_label": self.multi_label}


@keras.saving.register_keras_serializable(package="task_heads")
class SoftAccuracy(keras.metrics.SparseCategoricalAccuracy):
    """Fraction of examples whose most probable label is found.

    Call arguments of `update_state`:
        y_true: float `(B, L)` probabilities; all 0, for an unseen label, is
            never found.
        y_pred: float `(B, L)` logits.
        sample_weight: float `(B,)` or `(B, 1)`, or `None`: all weigh alike.
    """

    def __init__(self, name: str = "accuracy", **kwargs):
        super().__init__(name=name, **kwargs)

    def update_state(self, y_true, y_pred, sample_weight=None):
        return super().update_state(
            _most_probable(y_true), y_pred, sample_weight
        )


@keras.saving.register_keras_serializable(package="task_heads")
class MatthewsCorrelation(_LabelCounts):
    """Matthews correlation coefficient of one label per example, from logits.

    Of two labels the coefficient of Matthews, of more of them R_K. In [-1,
    1]; 0 where all of the truth, or all predictions, are of one label, as in
    scikit-learn's `matthews_corrcoef`.

    Args:
        num_labels: int.

    Call arguments of `update_state`:
        y_true: index of each example's label, `(B,)` or `(B, 1)`; or `(B, L)`
            probabilities, of which the highest counts.
        y_pred: float `(B, L)` logits.
        sample_weight: float `(B,)` or `(B, 1)`, or `None`: all weigh alike.

    Source: Gorodkin, 2004, "Comparing two K-category assignments by a
    K-category correlation coefficient", equation 8.
    """

    def __init__(self, num_labels: int, name: str = "mcc", **kwargs):
        super().__init__(num_labels, name, **kwargs)

    def result(self):
        # For each label true and false positives and negatives: the sum of
        # their products is c s - sum of p t in the paper's terms, of which
        # rounding would leave little where nearly all have one label.
        true_positives, predicted, actual = self.hits_predicted_actual()
        false_positives = predicted - true_positives
        false_negatives = actual - true_positives
        total = ops.sum(predicted)
        true_negatives = (total - actual) - false_positives
        covariance = ops.sum(
            true_positives * true_negatives - false_positives * false_negatives
        )
        # Labels that are none of these count as one more.
        unseen = ops.maximum(total - ops.sum(actual), 0.0)
        scale = ops.sqrt(_spread(predicted)) * ops.sqrt(
            _spread(ops.append(actual, unseen))
        )
        return ops.divide_no_nan(covariance, scale)


def _spread(counts):
    """Returns the sum over labels of count times count of the others."""
    return ops.sum(counts * (ops.sum(counts) - counts))


def _one_hot(y_true, y_pred, num_labels, dtype):
    """Returns the true and the likeliest labels as `(B, L)` of 0 and 1."""
    if len(y_true.shape) == 2 and y_true.shape[1] == num_labels:
        y_true = _most_probable(y_true)
    labels = ops.cast(ops.reshape(y_true, (-1,)), "int32")
    return (
        ops.one_hot(labels, num_labels, dtype=dtype),
        ops.one_hot(ops.argmax(y_pred, axis=-1), num_labels, dtype=dtype),
    )


def _most_probable(rows):
    """Returns the labels of probabilities, -1 where these are all 0."""
    known = ops.any(ops.greater(rows, 0), axis=-1)
    return ops.where(known, ops.argmax(rows, axis=-1), -1)


def _column(sample_weight, dtype):
    """Returns weights `(B, 1)`, or 1 for `None`."""
    if sample_weight is None:
        return 1.0
    return ops.reshape(ops.cast(sample_weight, dtype), (-1, 1))


@keras.saving.register_keras_serializable(package="task_heads")
class PearsonCorrelation(keras.metrics.Metric):
    """Correlation of predictions with the truth over all examples.

    Means and squared deviations are merged batch by batch, which stays exact
    where sums of squares would cancel. 0 where either side is constant, to
    the precision of its floats.

    Call arguments of `update_state`:
        y_true: number of each example, `(B,)` or `(B, 1)`.
        y_pred: the same.
        sample_weight: float `(B,)` or `(B, 1)`, or `None`: all weigh alike.

    Source: Chan et al., 1983, "Algorithms for computing the sample
    variance", for the merge.
    """

    def __init__(self, name: str = "pearson", **kwargs):
        super().__init__(name=name, **kwargs)
        self._direction = "up"
        # Deviations do not add up over replicas as Keras would have it. So
        # each replica counts whole batches, and one of them is read.
        self.count, self.origin, self.means, self.squares = (
            self.add_variable(
                shape, "zeros", aggregation="only_first_replica", name=part
            )
            for part, shape in (
                ("count", ()),
                ("origin", (2,)),
                ("means", (2,)),
                ("squares", (3,)),
            )
        )

    def update_state(self, y_true, y_pred, sample_weight=None):
        values = ops.stack(
            [
                ops.reshape(ops.cast(y_true, self.dtype), (-1,)),
                ops.reshape(ops.cast(y_pred, self.dtype), (-1,)),
            ]
        )  # (2, B)
        if sample_weight is None:
            sample_weight = 1.0
        weight = ops.broadcast_to(
            ops.reshape(ops.cast(sample_weight, self.dtype), (-1,)),
            ops.shape(values[0]),
        )
        size, sums = distribution.total(
            [ops.sum(weight), ops.sum(weight * values, axis=1)]
        )
        # A mean is as coarse as floats of its size. What it is off by is known
        # better, and so `means` are counted from an `origin` nearby.
        origin = ops.where(size > 0, ops.divide_no_nan(sums, size), self.origin)
        values = values - origin[:, None]
        sums, squares = distribution.total(
            [
                ops.sum(weight * values, axis=1),
                ops.sum(weight * _products(values), axis=1),
            ]
        )
        means = ops.divide_no_nan(sums, size)
        squares = squares - size * _products(means)
        total = self.count + size
        fraction = ops.divide_no_nan(size, total)
        shift = (origin - self.origin) + (means - self.means)
        self.squares.assign_add(
            squares + _products(shift) * (self.count * fraction)
        )
        self.means.assign(means - shift * (1.0 - fraction))
        self.origin.assign(origin)
        self.count.assign(total)

    def result(self):
        resolution = _EPSILON * (self.origin + self.means)
        is_constant = ops.any(
            self.squares[:2] <= self.count * ops.square(resolution)
        )
        scale = ops.sqrt(self.squares[0]) * ops.sqrt(self.squares[1])
        return ops.where(
            is_constant, 0.0, ops.divide_no_nan(self.squares[2], scale)
        )


def _products(pair):
    """Returns the squares of both, and their product: `(3, ...)`."""
    first, second = ops.unstack(pair, 2, axis=0)
    return ops.stack([first * first, second * second, first * second])


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
