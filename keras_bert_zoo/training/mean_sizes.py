"""What the losses of a corpus are divided by."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from keras_bert_zoo.training import whole_batch


class MeanSizes:
    """The mean sizes of the batches so far, for the losses that need them.

    Made under the scope of the strategy that the model is trained under.

    Args:
        losses: those of the model.
    """

    def __init__(self, losses: Sequence[whole_batch.WholeBatchLoss]):
        self._is_needed = [
            isinstance(one, whole_batch.CorpusLoss) for one in losses
        ]
        options = {
            "trainable": False,
            "dtype": "float32",
            "aggregation": "only_first_replica",
        }
        self._count = keras.Variable(0.0, name="num_batches", **options)
        self._means = keras.Variable(
            tf.zeros([len(self._is_needed)]), name="mean_sizes", **options
        )

    @property
    def are_needed(self) -> bool:
        """Whether any loss is divided by them."""
        return any(self._is_needed)

    @property
    def variables(self) -> list[keras.Variable]:
        """What there is to know of the batches so far."""
        return [self._count, self._means]

    def reset(self) -> None:
        """Forgets all batches."""
        for variable in self.variables:
            variable.assign(tf.zeros_like(variable))

    def counted(self, sizes: tf.Tensor) -> tf.Tensor:
        """Counts a batch, and returns what its losses are divided by.

        Args:
            sizes: float32 `(losses,)`, of the batch on all replicas.

        Returns:
            float32 `(losses,)`.
        """
        if not self.are_needed:
            return sizes
        count = self._count + 1.0
        means = self._means + (sizes - self._means) / count
        self._count.assign(count)
        self._means.assign(means)
        return tf.where(self._is_needed, means, sizes)
