"""Losses of a batch that several replicas share.

The mean over a batch is not the mean of the means over its parts, unless
these weigh alike; masked tokens, words, and the last rows of a file do not
divide evenly. So each replica divides what it sums by the size of the whole
batch.
"""

import contextlib
import copy
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

import keras
import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.training import keras_names_of_losses


class Call(NamedTuple):
    """What a loss is about to be called with.

    Attributes:
        loss: `WholeBatchLoss`.
        y_true: labels.
        sample_weight: what they weigh, or `None`.
        rank: int. Dimensions of the predictions.
    """

    loss: "WholeBatchLoss"
    y_true: tf.Tensor
    sample_weight: tf.Tensor | None
    rank: int


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class WholeBatchLoss(keras.losses.Loss):
    """A loss that can be told what to divide its sum by.

    Until it is told, it is the loss that it was made of. One that gives a
    single number for any batch, and no sum, is weighed by the examples: that
    is the loss of the batch where it is a mean over them.

    Args:
        loss: `keras.losses.Loss` that takes a sum or a mean. One that has a
            `__call__` of its own gives the sum where its `reduction` is
            `"sum"`, and says with `size(y_true, sample_weight)` what that
            is divided by.
    """

    def __init__(self, loss: keras.losses.Loss):
        super().__init__(name=loss.name, reduction=loss.reduction)
        self.loss = loss
        self._divisor = self._share = self._calls = None

    def __call__(self, y_true, y_pred, sample_weight=None):
        if self._calls is not None:
            rank = len(y_pred.shape)
            self._calls.append(Call(self, y_true, sample_weight, rank))
            return tf.zeros([])
        y_true, y_pred = one_number_each(y_true, y_pred)
        if self._divisor is None:
            return self.loss(y_true, y_pred, sample_weight)
        self._check_known(y_pred)
        self.loss.reduction = "sum" if hasattr(self.loss, "size") else None
        try:
            parts = self.loss(y_true, y_pred, sample_weight)
        finally:
            self.loss.reduction = self.reduction
        if hasattr(self.loss, "size") or len(parts.shape) > 0:
            divisor = tf.cast(self._divisor, parts.dtype)
            return tf.math.divide_no_nan(tf.reduce_sum(parts), divisor)
        # Of no examples it is no number.
        parts = tf.where(self._share > 0, parts, tf.zeros_like(parts))
        return parts / tf.distribute.get_strategy().num_replicas_in_sync

    def _check_known(self, y_pred):
        """Refuses what no size is known of."""
        is_plain = type(self.loss).__call__ is keras.losses.Loss.__call__
        remedy = "Train on one device, or give another loss."
        if self.reduction in (None, "none"):
            found = "`reduction=None`"
        elif not is_plain and not hasattr(self.loss, "size"):
            found = "a `__call__` of its own, and no method `size`"
        elif (
            is_plain
            and self.reduction != "sum"
            and keras_names_of_losses.mask_of(y_pred) is not None
        ):
            found = "predictions with a mask"
            remedy = "Give sample weights of 0 in place of the mask."
        else:
            return
        raise InputError(
            "A loss that is divided by the size of a whole batch must be a "
            "sum or a mean over what the labels and their weights tell. "
            f"Received: {self.name}, with {found}. {remedy}"
        )

    def size(
        self, y_true: tf.Tensor, sample_weight: tf.Tensor | None, rank: int
    ) -> tf.Tensor:
        """Returns what the loss of these examples is divided by.

        Args:
            y_true: labels.
            sample_weight: what they weigh, or `None`.
            rank: int. Dimensions of the predictions; of several, the last
                one is no example's own.

        Returns:
            float32 scalar.
        """
        if hasattr(self.loss, "size"):
            return self.loss.size(y_true, sample_weight)
        shape = tf.shape(y_true)[: max(rank - 1, 1)]
        weight = None
        if self.reduction == "mean_with_sample_weight":
            weight = sample_weight
        ignored = getattr(self.loss, "ignore_class", None)
        if ignored is not None:
            labels = tf.reshape(y_true, shape)
            counts = tf.cast(
                labels != tf.cast(ignored, labels.dtype), "float32"
            )
            if weight is None:
                return tf.reduce_sum(counts)
            # Keras gives weights the rank of what they weigh.
            more = len(counts.shape) - len(weight.shape)
            extent = tf.concat([tf.shape(weight), tf.ones(more, tf.int32)], 0)
            return tf.reduce_sum(
                tf.reshape(tf.cast(weight, tf.float32), extent) * counts
            )
        if weight is not None:
            return tf.reduce_sum(tf.cast(weight, tf.float32))
        return tf.cast(tf.reduce_prod(shape), tf.float32)

    @contextlib.contextmanager
    def of_part(self, size: tf.Tensor, share: tf.Tensor) -> Iterator[None]:
        """Makes this the loss of a replica's part of a batch.

        The mean of the parts' losses, each weighed by its share, is then the
        loss of the batch.

        Args:
            size: float32 scalar. What the loss of the batch is divided by.
            share: float32 scalar. The part's share of the examples.
        """
        if self.reduction == "sum":
            size = 1.0
        # Keras adds the replicas' losses up.
        num_parts = tf.distribute.get_strategy().num_replicas_in_sync
        self._divisor = size * share * num_parts
        self._share = share
        try:
            yield
        finally:
            self._divisor = self._share = None

    @contextlib.contextmanager
    def counted_in(self, calls: list[Call]) -> Iterator[None]:
        """Lets a call be noted in a list, and nothing be computed."""
        self._calls = calls
        try:
            yield
        finally:
            self._calls = None

    def get_config(self):
        return {"loss": keras.saving.serialize_keras_object(self.loss)}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config["loss"]))


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class MeanOfAll(WholeBatchLoss):
    """A loss that is reported as the mean over all data.

    For losses that are a mean over words, or anything else of which examples
    have different numbers. Of others Keras reports the mean over batches, by
    their rows, which depends on which examples share a batch. What
    `ReplicatedModel.fit` and `evaluate` report of this one is the sum over all
    batches, divided by the sum of their sizes.

    Args:
        loss: see `WholeBatchLoss`.
    """


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class CorpusLoss(MeanOfAll):
    """A loss in which the words of all batches weigh alike.

    For losses that are a mean over words, or anything else of which examples
    have different numbers. Batches hold texts of like length, so a mean over
    each batch would make a word of a short text count several times as much
    as one of a long text. `ReplicatedModel.fit` divides the sum over a batch
    by the mean size of the batches so far instead. Everywhere else this is
    the loss that it was made of, and reported as the mean over all words.

    Args:
        loss: see `WholeBatchLoss`.
    """


def one_number_each(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Gives predictions of shape `(B,)` the last dimension that Keras drops.

    Keras takes the mean over the last one for the loss of an example, or its
    metric. Were that the batch, it would be one number, the same for each
    weight.

    Args:
        y_true, y_pred: of one output, `(B, ...)`.

    Returns:
        both, `(B, 1)` where they were `(B,)`.
    """
    if len(y_pred.shape) != 1:
        return y_true, y_pred
    if len(y_true.shape) == 1:
        y_true = keras.ops.expand_dims(y_true, -1)
    return y_true, keras.ops.expand_dims(y_pred, -1)


def wrap(losses: Sequence[keras.losses.Loss]) -> list[WholeBatchLoss]:
    """Returns losses that each can be told what to divide by."""
    found: list = []
    for loss in losses:
        if not isinstance(loss, WholeBatchLoss):
            loss = WholeBatchLoss(loss)
        elif any(loss is other for other in found):
            # Outputs differ in what they are divided by.
            loss = copy.copy(loss)
        found.append(loss)
    return found


def calls(model: keras.Model, labels: Any, weights: Any) -> list[Call]:
    """Returns what each loss of a model is about to be called with.

    Args:
        model: compiled, with its losses wrapped.
        labels, weights: of a batch, as Keras takes them.
    """
    found: list = []
    with contextlib.ExitStack() as stack:
        for loss in keras_names_of_losses.losses_of(model):
            stack.enter_context(loss.counted_in(found))
        keras_names_of_losses.call_losses(model, labels, weights)
    return found
