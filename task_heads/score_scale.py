"""Standardized scores in their own units."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="task_heads")
class ScoreScale(keras.layers.Layer):
    """Multiplies by a standard deviation and adds a mean.

    What comes in has mean 0 and standard deviation 1 over the training data,
    so that a head learns scores from 1 to 5, or thousands, as fast as any.
    Both numbers are variables that are not trained.

    Input and output shape: `(B, 1)` float32.
    """

    def build(self, input_shape):
        self.mean = self.add_weight((), "zeros", trainable=False, name="mean")
        self.deviation = self.add_weight(
            (), "ones", trainable=False, name="deviation"
        )

    def call(self, standardized):
        return standardized * self.deviation + self.mean

    def compute_output_spec(self, standardized):
        return keras.KerasTensor(standardized.shape, dtype=self.compute_dtype)

    def is_new(self) -> bool:
        """Returns whether the numbers are as they were made: 0 and 1."""
        return [float(weight) for weight in self.get_weights()] == [0.0, 1.0]

    def adapt(self, scores) -> None:
        """Takes mean and standard deviation of these scores, `(N,)`.

        Where all scores are the same, the deviation stays 1.
        """
        scores = ops.convert_to_numpy(scores).astype("float64")
        self.mean.assign(scores.mean())
        self.deviation.assign(scores.std() or 1.0)
