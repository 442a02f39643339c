"""Losses of a batch that several replicas share.

The mean over a batch is not the mean of the means over its parts, unless
these weigh alike; masked tokens, words, and the last rows of a file do not
divide evenly. So each replica divides what it sums by the size of the whole
batch.
"""

import contextlib
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

_SUMS_AND_MEANS = (
    "sum",
    "mean",
    "sum_over_batch_size",
    "mean_with_sample_weight",
)


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class WholeBatchLoss(keras.losses.Loss):
    """A loss that can be told what to divide its sum by.

    Until it is told, it is the loss that it was made of.

    Args:
        loss: `keras.losses.Loss` that takes a sum or a mean. One that has a
            `__call__` of its own gives the sum where its `reduction` is
            `"sum"`, and says with `size(y_true, sample_weight)` what that
            is divided by.
    """

    def __init__(self, loss: keras.losses.Loss):
        super().__init__(name=loss.name, reduction=loss.reduction)
        self.loss = loss
        self._divisor = None

    def __call__(self, y_true, y_pred, sample_weight=None):
        y_true, y_pred = _one_number_each(y_true, y_pred)
        if self._divisor is None:
            return self.loss(y_true, y_pred, sample_weight)
        self.loss.reduction = "sum"
        try:
            total = self.loss(y_true, y_pred, sample_weight)
        finally:
            self.loss.reduction = self.reduction
        return tf.math.divide_no_nan(total, tf.cast(self._divisor, total.dtype))

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
        if self.reduction == "mean_with_sample_weight":
            if sample_weight is not None:
                return tf.reduce_sum(tf.cast(sample_weight, tf.float32))
        shape = tf.shape(y_true)[: max(rank - 1, 1)]
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
        try:
            yield
        finally:
            self._divisor = None

    def get_config(self):
        return {"loss": keras.saving.serialize_keras_object(self.loss)}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config["loss"]))


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class CorpusLoss(WholeBatchLoss):
    """A loss in which the words of all batches weigh alike.

    For losses that are a mean over words, or anything else of which examples
    have different numbers. Batches hold texts of like length, so a mean over
    each batch would make a word of a short text count several times as much
    as one of a long text. `ReplicatedModel.fit` divides the sum over a batch
    by the mean size of the batches so far instead. Everywhere else this is
    the loss that it was made of.

    Args:
        loss: see `WholeBatchLoss`.
    """


def _one_number_each(y_true, y_pred):
    """Gives predictions of shape `(B,)` the last dimension that losses drop.

    Keras takes the mean over the last one for the loss of an example. Were
    that the batch, it would be one number, the same for each weight.
    """
    if len(y_pred.shape) > 1:
        return y_true, y_pred
    if len(y_true.shape) == 1:
        y_true = keras.ops.expand_dims(y_true, -1)
    return y_true, keras.ops.expand_dims(y_pred, -1)


def wrap(loss: Any, outputs: Any) -> Any:
    """Returns losses as `compile` takes them, each a `WholeBatchLoss`.

    Args:
        loss: what `keras.Model.compile` takes.
        outputs: a model's output or outputs.
    """
    if isinstance(loss, Mapping):
        return {name: wrap(one, None) for name, one in loss.items()}
    if isinstance(loss, (list, tuple)):
        return [wrap(one, None) for one in loss]
    if keras.tree.is_nested(outputs):
        # One for each: they differ in what they are divided by.
        return keras.tree.map_structure(lambda _: wrap(loss, None), outputs)
    if loss is None or isinstance(loss, WholeBatchLoss):
        return loss
    found = keras.losses.get(loss)
    return WholeBatchLoss(found) if _is_divided(found) else loss


def _is_divided(loss):
    if getattr(loss, "reduction", None) not in _SUMS_AND_MEANS:
        return False
    is_plain = type(loss).__call__ is keras.losses.Loss.__call__
    return is_plain or hasattr(loss, "size")


def leaves(losses: Any) -> list[WholeBatchLoss]:
    """Returns the losses among what `wrap` returned."""
    if isinstance(losses, Mapping):
        losses = list(losses.values())
    if isinstance(losses, list):
        return [leaf for one in losses for leaf in leaves(one)]
    return [losses] if isinstance(losses, WholeBatchLoss) else []


def matched(losses: Any, labels: Any, weights: Any, outputs: Any) -> Iterator:
    """Yields `(loss, labels, weights, rank)` for each `WholeBatchLoss`.

    Args:
        losses: what `wrap` returned.
        labels, weights: of a batch; `weights` may be `None`.
        outputs: a model's output or outputs.
    """
    if isinstance(losses, WholeBatchLoss):
        yield losses, labels, weights, len(outputs.shape)
        return
    if isinstance(losses, Mapping):
        keys = losses.keys()
    elif isinstance(losses, list):
        keys = range(len(losses))
    else:
        return
    for key in keys:
        own = weights[key] if keras.tree.is_nested(weights) else weights
        yield from matched(losses[key], labels[key], own, outputs[key])
