"""Metrics that Keras lacks, computed over a whole data set."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="task_heads")
class MacroF1(keras.metrics.Metric):
    """Mean over the labels of F1, from logits.

    A label that occurs neither in the truth nor in the predictions counts as
    0, as in scikit-learn's `f1_score(average="macro", labels=all)`.

    Args:
        num_labels: int.
        multi_label: bool. Whether the truth is `(B, L)` of 0 and 1 rather
            than `(B,)` indices.
    """

    def __init__(
        self,
        num_labels: int,
        multi_label: bool = False,
        name: str = "macro_f1",
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        self.num_labels = num_labels
        self.multi_label = multi_label
        self.hits, self.predicted, self.actual = (
            self.add_variable((num_labels,), "zeros", name=part)
            for part in ("hits", "predicted", "actual")
        )

    def update_state(self, y_true, y_pred, sample_weight=None):
        if self.multi_label:
            truth = ops.cast(y_true, self.dtype)
            guess = ops.cast(ops.greater(y_pred, 0.0), self.dtype)
        else:
            labels = ops.cast(ops.reshape(y_true, (-1,)), "int32")
            truth = ops.one_hot(labels, self.num_labels, dtype=self.dtype)
            guess = ops.one_hot(
                ops.argmax(y_pred, axis=-1), self.num_labels, dtype=self.dtype
            )
        self.hits.assign_add(ops.sum(truth * guess, axis=0))
        self.predicted.assign_add(ops.sum(guess, axis=0))
        self.actual.assign_add(ops.sum(truth, axis=0))

    def result(self):
        total = ops.maximum(self.predicted + self.actual, 1.0)
        return ops.mean(2.0 * self.hits / total)

    def get_config(self):
        return {
            **super().get_config(),
            "num_labels": self.num_labels,
            "multi_label": self.multi_label,
        }


@keras.saving.register_keras_serializable(package="task_heads")
class PearsonCorrelation(keras.metrics.Metric):
    """Correlation of predictions with the truth over all examples.

    Means and squared deviations are merged batch by batch, which stays exact
    where sums of squares would cancel. 0 where either side is constant.

    Source: Chan et al., 1983, "Algorithms for computing the sample
    variance", for the merge.
    """

    def __init__(self, name: str = "pearson", **kwargs):
        super().__init__(name=name, **kwargs)
        self.count = self.add_variable((), "zeros", name="count")
        self.means = self.add_variable((2,), "zeros", name="means")
        self.squares = self.add_variable((3,), "zeros", name="squares")

    def update_state(self, y_true, y_pred, sample_weight=None):
        values = ops.stack(
            [
                ops.reshape(ops.cast(y_true, self.dtype), (-1,)),
                ops.reshape(ops.cast(y_pred, self.dtype), (-1,)),
            ]
        )  # (2, B)
        size = ops.cast(ops.shape(values)[1], self.dtype)
        means = ops.mean(values, axis=1)
        first, second = ops.unstack(values - means[:, None], 2, axis=0)
        squares = ops.stack(
            [
                ops.sum(first * first),
                ops.sum(second * second),
                ops.sum(first * second),
            ]
        )
        total = self.count + size
        shift = means - self.means
        shifts = ops.stack(
            [shift[0] * shift[0], shift[1] * shift[1], shift[0] * shift[1]]
        )
        self.squares.assign_add(squares + shifts * (self.count * size / total))
        self.means.assign_add(shift * (size / total))
        self.count.assign(total)

    def result(self):
        scale = ops.sqrt(self.squares[0] * self.squares[1])
        return ops.where(
            scale > 0, self.squares[2] / ops.maximum(scale, 1e-30), 0.0
        )
