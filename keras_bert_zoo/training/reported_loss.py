"""The loss that `fit` and `evaluate` report."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from keras_bert_zoo.training import keras_names_of_losses
from keras_bert_zoo.training import whole_batch


def are_means_of_all(model: keras.Model) -> list[bool]:
    """Returns for each loss whether it is reported as a mean of all data.

    Others are what Keras makes of them: means over batches, by their rows.

    Args:
        model: compiled.
    """
    kind = type(model)
    # What others compute need not be the sum of these losses.
    is_known = (
        kind.train_step is keras.Model.train_step
        and kind.test_step is keras.Model.test_step
        and kind.compute_loss is keras.Model.compute_loss
    )
    return [
        is_known
        and isinstance(loss, whole_batch.MeanOfAll)
        and loss.reduction != "sum"
        for loss in keras_names_of_losses.losses_of(model)
    ]


def mean_of_all(model: keras.Model) -> tf.Tensor | float:
    """Returns what the mean loss lacks that `PartOfLoss` has counted.

    Of one output that is nothing; of several, the means of those that are
    means of all data, which may be of unlike sizes.

    Args:
        model: compiled.
    """
    places = zip(
        are_means_of_all(model),
        keras_names_of_losses.loss_weights_of(model),
        keras_names_of_losses.output_loss_trackers(model),
        # One output has no tracker of its own.
        strict=False,
    )
    return sum(
        weight * tracker.result()
        for is_one, weight, tracker in places
        if is_one
    )


class PartOfLoss:
    """Counts the losses of a replica's part of a batch.

    Args:
        model: that computes them.
        num_rows: int scalar. Rows of the part.
        own_sizes: float32 scalars. What the losses of the part alone are
            divided by; empty where none is a mean of all data.
        divisors: float32 scalars. What they are divided by instead, or
            `None`.
        share: float32 scalar. What the divisors were multiplied by.
    """

    def __init__(
        self,
        model: keras.Model,
        num_rows: tf.Tensor,
        own_sizes: Sequence[tf.Tensor],
        divisors: Sequence[tf.Tensor | None],
        share: tf.Tensor,
    ):
        self._model = model
        self._num_rows = num_rows
        self._are_means = are_means_of_all(model)
        self._own_sizes = own_sizes
        self._divisors = divisors
        self._share = share
        self._of_outputs: dict[int, tf.Tensor] = {}

    def output(self, place: int, loss: tf.Tensor) -> tuple:
        """Returns what to count of the loss of one output among several.

        Args:
            place: int. Its place.
            loss: scalar.

        Returns:
            the loss, and what it weighs.
        """
        if not self._are_means[place]:
            return loss, self._num_rows
        self._of_outputs[place] = loss
        return self._per_size(place, loss), self._own_sizes[place]

    def count(self, loss: tf.Tensor) -> None:
        """Counts the loss of the part; those of outputs are counted.

        Args:
            loss: scalar.
        """
        weight = self._num_rows
        loss_weights = keras_names_of_losses.loss_weights_of(self._model)
        if self._are_means == [True]:
            others = sum(self._model.losses)
            loss = self._per_size(0, loss - others) + others
            weight = self._own_sizes[0]
        for place, value in self._of_outputs.items():
            loss -= loss_weights[place] * value
        keras_names_of_losses.loss_tracker(self._model).update_state(
            loss, sample_weight=weight
        )

    def _per_size(self, place, loss):
        divisor, size = self._divisors[place], self._own_sizes[place]
        if divisor is None:
            return loss
        factor = tf.math.divide_no_nan(divisor * self._share, size)
        # No number stays none, where nothing weighs.
        return tf.where(size > 0, loss * tf.cast(factor, loss.dtype), loss)
