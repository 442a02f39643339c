"""One vector for the whole sequence, from its first token."""

import keras
from keras import ops

from keras_bert_zoo.layers.initial_weights import truncated_normal


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class Pooler(keras.layers.Layer):
    """Projects the first token's vector and squashes it with tanh.

    Args:
        initializer_range: float. Standard deviation of the initial kernel.

    Input shape: `(B, S, H)` float. Output shape: `(B, H)` float.

    Source: Devlin et al., 2019 (arXiv:1810.04805), published code.
    """

    def __init__(self, initializer_range: float = 0.02, **kwargs):
        super().__init__(**kwargs)
        self.initializer_range = initializer_range

    def build(self, input_shape):
        hidden_dim = input_shape[-1]
        self.kernel = self.add_weight(
            name="kernel",
            shape=(hidden_dim, hidden_dim),
            initializer=truncated_normal(self.initializer_range),
        )
        self.bias = self.add_weight(
            name="bias", shape=(hidden_dim,), initializer="zeros"
        )

    def call(self, sequence_output):
        first = sequence_output[:, 0, :]  # (B, H)
        return ops.tanh(ops.add(ops.matmul(first, self.kernel), self.bias))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[-1])

    def get_config(self):
        return {
            **super().get_config(),
            "initializer_range": self.initializer_range,
        }
