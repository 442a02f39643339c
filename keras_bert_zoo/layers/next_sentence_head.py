"""Says whether the second text follows the first."""

import keras
from keras import ops

from keras_bert_zoo.layers.initial_weights import truncated_normal


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class NextSentenceHead(keras.layers.Layer):
    """Two logits from the pooled vector.

    Args:
        initializer_range: float. Standard deviation of the initial kernel.

    Input shape: `(B, H)` float, the pooled output. Output shape: `(B, 2)`
    float32 logits: index 0, the second text follows; index 1, it is random.

    Source: Devlin et al., 2019 (arXiv:1810.04805), section 3.1, task 2; the
    order of the logits is the published checkpoints'.
    """

    def __init__(self, initializer_range: float = 0.02, **kwargs):
        super().__init__(**kwargs)
        self.initializer_range = initializer_range

    def build(self, input_shape):
        self.kernel = self.add_weight(
            name="kernel",
            shape=(input_shape[-1], 2),
            initializer=truncated_normal(self.initializer_range),
        )
        self.bias = self.add_weight(
            name="bias", shape=(2,), initializer="zeros", autocast=False
        )

    def call(self, pooled_output):
        logits = ops.matmul(pooled_output, self.kernel)
        return ops.cast(logits, "float32") + self.bias

    def compute_output_spec(self, pooled_output):
        return keras.KerasTensor((pooled_output.shape[0], 2), dtype="float32")

    def get_config(self):
        return {
            **super().get_config(),
            "initializer_range": self.initializer_range,
        }
