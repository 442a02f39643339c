"""What the steps of `fit` leave for those who watch them."""

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_bert_zoo import feature_names


class StepCounters:
    """Variables that each training step fills, alike on all replicas.

    Reading them costs as much as reading a metric: once in a while is cheap.
    Made under the scope of the strategy that the model is trained under.

    Attributes:
        num_tokens: int64. Tokens of all batches so far, without padding; 0
            for models that do not read a `padding_mask`.
        num_padded_tokens: int64. The same with padding.
        learning_rate: float32. That of the last step; 0 where several
            optimizers have rates of their own.
        gradient_norm: float32, or `None` until `add_gradient_norm`. Norm of
            the last step's gradients of all weights together: summed over
            the replicas, before they are clipped, without the loss scale.
    """

    def __init__(self):
        self.num_tokens = _variable("int64", "num_tokens")
        self.num_padded_tokens = _variable("int64", "num_padded_tokens")
        self.learning_rate = _variable("float32", "learning_rate")
        self.gradient_norm = None

    def add_gradient_norm(self) -> None:
        """Lets the steps compute the norm, which they otherwise do not."""
        self.gradient_norm = _variable("float32", "gradient_norm")

    def sizes(self, inputs: Any) -> list[tf.Tensor]:
        """Returns the tokens in a part of a batch, without and with padding.

        Args:
            inputs: of the model.

        Returns:
            two float32 scalars, exact below 2**24.
        """
        if (
            not isinstance(inputs, Mapping)
            or feature_names.PADDING_MASK not in inputs
        ):
            return [tf.zeros([]), tf.zeros([])]
        mask = inputs[feature_names.PADDING_MASK]
        num_tokens = tf.math.count_nonzero(mask, dtype=tf.int32)
        num_cells = tf.size(mask)
        if feature_names.PACKED_INDEX in inputs:
            num_cells = _packed_cells(inputs)
        return [tf.cast(size, tf.float32) for size in (num_tokens, num_cells)]

    def count(self, sizes: tf.Tensor) -> None:
        """Counts a batch; `sizes` are the sums over its parts."""
        num_tokens, num_padded_tokens = tf.unstack(tf.cast(sizes, tf.int64))
        self.num_tokens.assign_add(num_tokens)
        self.num_padded_tokens.assign_add(num_padded_tokens)

    def measure(
        self,
        gradients: Sequence[tf.Tensor | None],
        optimizer: keras.optimizers.Optimizer,
    ) -> None:
        """Keeps the rate of a step, and the norm that somebody watches.

        Args:
            gradients: sums over the replicas, scaled as the optimizer does.
            optimizer: that they are for.
        """
        self.learning_rate.assign(getattr(optimizer, "learning_rate", 0.0))
        if self.gradient_norm is None:
            return
        norm = tf.linalg.global_norm(
            [tf.cast(one, tf.float32) for one in gradients if one is not None]
        )
        self.gradient_norm.assign(norm / optimizer.scale_loss(1.0))


def _packed_cells(inputs: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """Returns the number of tokens of packed sequences, padding included."""
    rows = inputs[feature_names.PACKED_INDEX]
    lengths = tf.reduce_sum(inputs[feature_names.PADDING_MASK], axis=1)
    # No rows where a replica has no part of the batch.
    num_rows = tf.size(tf.unique(rows).y)
    ends = tf.concat([[0], inputs[feature_names.PACKED_START] + lengths], 0)
    return num_rows * tf.reduce_max(ends)


def _variable(dtype, name):
    return keras.Variable(
        0,
        dtype=dtype,
        trainable=False,
        aggregation="only_first_replica",
        name=name,
    )
