"""Losses as a sum over a batch, and what the sum is divided by.

The mean over a batch is not the mean of the means over its parts unless these
weigh alike, and masked tokens, words and the last examples of a file do not
divide evenly among replicas. So each replica gives the sum over its part of a
batch and the size of that part, and the step divides by the size of the whole
batch.
"""

from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

import keras
import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.training import keras_private
from keras_bert_zoo.training.keras_private import LabelRouter

DIVISORS = ("batch", "mean_batch")


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class WeightedMean(keras.losses.Loss):
    """A mean over words, or over other items that examples have several of.

    `ReplicatedModel.fit` and `evaluate` report its mean over all data: the sum
    over all batches, divided by the sum of their sizes. (Of other losses Keras
    reports the mean over batches, by their examples, which depends on which
    examples share a batch.) In a plain `keras.Model` it is the loss that it
    was made of.

    Args:
        loss: `keras.losses.Loss` that takes a mean. One that has a `__call__`
            of its own gives the sum where its `reduction` is `"sum"`, and
            says with `size(y_true, sample_weight)` what that is divided by.
        divisor: str. What `fit` divides the sum over a batch by: the size of
            this `batch`, or of the `mean_batch`, the mean of the batches so
            far. Batches hold texts of like length, so that with `batch` a
            word of a short text counts several times as much as one of a
            long text; with `mean_batch` they count alike.

    Raises:
        InputError: if `divisor` is another.
    """

    def __init__(self, loss: keras.losses.Loss, divisor: str = "batch"):
        if divisor not in DIVISORS:
            raise InputError(
                f"`divisor` must be one of {', '.join(DIVISORS)}. Received: "
                f"divisor={divisor!r:.40}."
            )
        super().__init__(name=loss.name, reduction=loss.reduction)
        self.loss = loss
        self.divisor = divisor

    def __call__(self, y_true, y_pred, sample_weight=None):
        return self.loss(y_true, y_pred, sample_weight)

    def get_config(self):
        return {
            "loss": keras.saving.serialize_keras_object(self.loss),
            "divisor": self.divisor,
        }

    @classmethod
    def from_config(cls, config):
        loss = keras.saving.deserialize_keras_object(config["loss"])
        return cls(**{**config, "loss": loss})


class Targets(NamedTuple):
    """What the loss of one output compares the predictions with.

    Attributes:
        y_true: labels.
        sample_weight: what they weigh, or `None`.
    """

    y_true: tf.Tensor
    sample_weight: tf.Tensor | None


class OutputLoss:
    """The loss of one output of a model.

    Args:
        loss: `keras.losses.Loss`.
        weight: float. Its weight in the sum of the losses.
        name: str.
        output: symbolic tensor, the output of the model.
        index: int. Its index among all outputs.

    Attributes:
        weight, name, index: as given.
        is_weighted_mean: bool. Whether its mean over all data is reported,
            rather than the mean over batches by their examples.
        uses_mean_batch: bool. Whether `fit` divides by the mean size of the
            batches so far.
        has_size: bool. Whether the sum is divided by a size; if not, it is
            the loss itself.
    """

    def __init__(
        self,
        loss: keras.losses.Loss,
        weight: float,
        name: str,
        output: Any,
        index: int,
    ):
        is_mean = isinstance(loss, WeightedMean)
        self._loss = loss.loss if is_mean else loss
        self._rank = len(output.shape)
        self._unknown = _why_size_is_unknown(self._loss, output)
        self.weight = weight
        self.name = name
        self.index = index
        self.has_size = self._loss.reduction != "sum" and not self._unknown
        self.is_weighted_mean = is_mean and self.has_size
        self.uses_mean_batch = (
            self.is_weighted_mean and loss.divisor == "mean_batch"
        )

    def check_replicas(self) -> None:
        """Checks that replicas can share a batch.

        Raises:
            InputError: if the size of a part of a batch is not known.
        """
        if self._unknown:
            found, remedy = self._unknown
            raise InputError(
                "A loss that is divided by the size of a whole batch must be a "
                "sum or a mean over what the labels and their weights tell. "
                f"Received: {self.name}, with {found}. {remedy}"
            )

    def size(self, targets: Targets) -> tf.Tensor:
        """Returns what the loss of these examples is divided by, float32."""
        if not self.has_size:
            return tf.zeros([])
        y_true, sample_weight = targets
        if hasattr(self._loss, "size"):
            return self._loss.size(y_true, sample_weight)
        # Of predictions of several dimensions, the last is no item's own.
        shape = tf.shape(y_true)[: max(self._rank - 1, 1)]
        weight = None
        if self._loss.reduction == "mean_with_sample_weight":
            weight = sample_weight
        ignored = getattr(self._loss, "ignore_class", None)
        if ignored is None and weight is None:
            return tf.cast(tf.reduce_prod(shape), tf.float32)
        if ignored is None:
            return tf.reduce_sum(tf.cast(weight, tf.float32))
        labels = tf.reshape(y_true, shape)
        counts = tf.cast(labels != tf.cast(ignored, labels.dtype), tf.float32)
        if weight is not None:
            # Keras gives weights the rank of what they weigh.
            ones = tf.ones(len(counts.shape) - len(weight.shape), tf.int32)
            extent = tf.concat([tf.shape(weight), ones], 0)
            counts *= tf.reshape(tf.cast(weight, tf.float32), extent)
        return tf.reduce_sum(counts)

    def sum(
        self,
        targets: Targets,
        y_pred: tf.Tensor,
        size: tf.Tensor,
        fraction: tf.Tensor,
    ) -> tf.Tensor:
        """Returns the sum over these examples, float32.

        Args:
            targets: of the examples.
            y_pred: their predictions.
            size: as `size` returns it.
            fraction: float32 scalar. Of the batch's examples.
        """
        y_true, sample_weight = targets
        y_true, y_pred = one_number_each(y_true, y_pred)
        if self._unknown:
            return self._loss(y_true, y_pred, sample_weight)
        reduction = self._loss.reduction
        is_sum = hasattr(self._loss, "size")
        self._loss.reduction = "sum" if is_sum else None
        try:
            values = self._loss(y_true, y_pred, sample_weight)
        finally:
            self._loss.reduction = reduction
        if is_sum or len(values.shape) > 0:
            return tf.cast(tf.reduce_sum(values), tf.float32)
        # One number for any batch, of which the mean is taken. Of no examples
        # it is NaN.
        weight = size if self.has_size else fraction
        values = tf.cast(values, tf.float32)
        return tf.where(fraction > 0, values * weight, 0.0)


def _why_size_is_unknown(loss, output) -> tuple[str, str] | None:
    """Returns what hides the size of a part of a batch, and a remedy."""
    remedy = "Train on one device, or give another loss."
    is_plain = type(loss).__call__ is keras.losses.Loss.__call__
    if loss.reduction in (None, "none"):
        return "`reduction=None`", remedy
    if not is_plain and not hasattr(loss, "size"):
        return "a `__call__` of its own, and no method `size`", remedy
    if (
        is_plain
        and loss.reduction != "sum"
        and keras_private.mask_of(output) is not None
    ):
        remedy = "Give sample weights of 0 in place of the mask."
        return "predictions with a mask", remedy
    return None


class Losses:
    """The losses of all outputs of a compiled model.

    Made under the scope of the strategy that the model is trained under.

    Args:
        model: functional model, compiled.
        types: `(x, y, sample_weight)` of symbolic tensors, as batches have
            them.

    Attributes:
        outputs: list of `OutputLoss`.
    """

    def __init__(self, model: keras.Model, types: tuple):
        self._model = model
        self._router = None
        self.outputs: list[OutputLoss] = []
        arguments = model.compile_arguments()
        if arguments["loss"] is not None:
            self._router = LabelRouter(
                arguments["loss"],
                arguments.get("loss_weights"),
                output_names=model.output_names,
            )
            _, y, sample_weight = types
            flat = keras.tree.flatten(model.output)
            routed = self._router.route(y, model.output, sample_weight)
            for loss, (_, output, _) in zip(self._router.losses, routed):
                index = next(n for n, one in enumerate(flat) if one is output)
                self.outputs.append(
                    OutputLoss(
                        loss.loss,
                        1.0 if loss.loss_weights is None else loss.loss_weights,
                        loss.name,
                        output,
                        index,
                    )
                )

    def targets(self, y: Any, sample_weight: Any) -> list[Targets]:
        """Returns labels and weights of a batch by output."""
        if self._router is None:
            return []
        return [
            Targets(y_true, weight)
            for y_true, _, weight in self._router.route(
                y, self._model.output, sample_weight
            )
        ]

    def sizes(self, targets: Sequence[Targets]) -> list[tf.Tensor]:
        """Returns what the loss of each output is divided by."""
        return [
            loss.size(one)
            for loss, one in zip(self.outputs, targets, strict=True)
        ]

    def sums(
        self,
        targets: Sequence[Targets],
        y_pred: Any,
        sizes: tf.Tensor,
        fraction: tf.Tensor,
    ) -> tf.Tensor:
        """Returns the sums over a part of a batch, float32 `(outputs,)`.

        Args:
            targets, sizes: of the part.
            y_pred: the model's predictions.
            fraction: float32 scalar. Of the batch's examples.
        """
        flat = keras.tree.flatten(y_pred)
        sizes = tf.unstack(sizes, num=len(self.outputs))
        # A root scope may not have the name of any loss.
        with tf.name_scope("losses"):
            sums = [
                loss.sum(one, flat[loss.index], size, fraction)
                for loss, one, size in zip(
                    self.outputs, targets, sizes, strict=True
                )
            ]
        return tf.stack(sums) if sums else tf.zeros([0])

    def weighted(self, values: tf.Tensor) -> tf.Tensor:
        """Returns the sum of the losses of the outputs by their weights."""
        weights = tf.constant([loss.weight for loss in self.outputs], "float32")
        return tf.reduce_sum(values * weights)


class MeanBatchSizes:
    """The mean sizes of the batches so far, for losses divided by them.

    Made under the scope of the strategy that the model is trained under.

    Args:
        losses: `OutputLoss` of the model.
    """

    def __init__(self, losses: Sequence[OutputLoss]):
        self._are_used = [loss.uses_mean_batch for loss in losses]
        self._have_sizes = [loss.has_size for loss in losses]
        options = {
            "trainable": False,
            "dtype": "float32",
            "aggregation": "only_first_replica",
        }
        self._count = keras.Variable(0.0, name="num_batches", **options)
        self._means = keras.Variable(
            tf.zeros([len(losses)]), name="mean_sizes", **options
        )

    @property
    def variables(self) -> list[keras.Variable]:
        """What there is to know of the batches so far."""
        return [self._count, self._means]

    def reset(self) -> None:
        """Forgets all batches."""
        for variable in self.variables:
            variable.assign(tf.zeros_like(variable))

    def divisors(self, sizes: tf.Tensor, training: bool) -> tf.Tensor:
        """Returns what the sums over a batch are divided by.

        Args:
            sizes: float32 `(outputs,)`, of the batch on all replicas.
            training: bool. Whether the batch is counted.

        Returns:
            float32 `(outputs,)`.
        """
        if training and any(self._are_used):
            count = self._count + 1.0
            means = self._means + (sizes - self._means) / count
            self._count.assign(count)
            self._means.assign(means)
            sizes = tf.where(self._are_used, means, sizes)
        return tf.where(self._have_sizes, sizes, tf.ones_like(sizes))


class ReportedLoss(keras.metrics.Metric):
    """The loss of an epoch, and of each output where there are several.

    Of a `WeightedMean` it is the sum over all batches, divided by the sum of
    their sizes; of another loss, the mean over batches by their examples, as
    Keras reports it.

    Args:
        losses: `OutputLoss` of the model.
    """

    def __init__(self, losses: Sequence[OutputLoss]):
        super().__init__(name="loss", dtype="float32")
        self._losses = losses
        # The last is of the losses that layers add.
        shape = (len(losses) + 1,)
        self._sums = self.add_variable(shape, "zeros", name="sums")
        self._weights = self.add_variable(shape, "zeros", name="weights")

    def update_state(self, sums, sizes, divisors, others, num_examples, total):
        """Adds a part of a batch.

        Args:
            sums, sizes: float32 `(outputs,)`, of the part.
            divisors: float32 `(outputs,)`, of the batch.
            others: float32 scalar. The losses that layers add.
            num_examples: float32 scalar, of the part.
            total: float32 scalar. Examples of the batch.
        """
        are_means = tf.constant(
            [loss.is_weighted_mean for loss in self._losses],
            tf.bool,
            shape=(len(self._losses),),
        )
        by_examples = tf.math.divide_no_nan(sums, divisors) * total
        self._sums.assign_add(
            tf.concat(
                [
                    tf.where(are_means, sums, by_examples),
                    [others * num_examples],
                ],
                0,
            )
        )
        self._weights.assign_add(
            tf.concat(
                [
                    tf.where(are_means, sizes, num_examples),
                    [num_examples],
                ],
                0,
            )
        )

    def result(self) -> dict:
        means = tf.math.divide_no_nan(
            tf.convert_to_tensor(self._sums),
            tf.convert_to_tensor(self._weights),
        )
        *outputs, total = tf.unstack(means, num=len(self._losses) + 1)
        for loss, mean in zip(self._losses, outputs, strict=True):
            total += loss.weight * mean
        found = {"loss": total}
        if len(self._losses) > 1:
            found |= {
                f"{loss.name}_loss": mean
                for loss, mean in zip(self._losses, outputs, strict=True)
            }
        return found


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
