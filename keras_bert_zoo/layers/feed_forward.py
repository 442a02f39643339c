"""The position-wise feed-forward part of a transformer block."""

import keras

from keras_bert_zoo.layers.activations import activation_function
from keras_bert_zoo.layers.activations import trained_gelu
from keras_bert_zoo.layers.initial_weights import truncated_normal
from keras_bert_zoo.layers.projection import project


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class FeedForward(keras.layers.Layer):
    """Two projections with an activation between them.

    Args:
        intermediate_dim: int. Width between the projections (`I`).
        activation: str. See `activations.activation_function`.
        initializer_range: float. Standard deviation of the initial kernels.

    Input and output shape: `(B, S, H)` float.

    Source: Vaswani et al., 2017 (arXiv:1706.03762), section 3.3.
    """

    def __init__(
        self,
        intermediate_dim: int,
        activation: str = "gelu",
        initializer_range: float = 0.02,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.intermediate_dim = intermediate_dim
        self.activation = activation
        self.initializer_range = initializer_range
        self._activation_function = activation_function(activation)

    def build(self, input_shape):
        hidden_dim = input_shape[-1]
        self.intermediate_kernel = self.add_weight(
            name="intermediate_kernel",
            shape=(hidden_dim, self.intermediate_dim),
            initializer=truncated_normal(self.initializer_range),
        )
        self.intermediate_bias = self.add_weight(
            name="intermediate_bias",
            shape=(self.intermediate_dim,),
            initializer="zeros",
        )
        self.output_kernel = self.add_weight(
            name="output_kernel",
            shape=(self.intermediate_dim, hidden_dim),
            initializer=truncated_normal(self.initializer_range),
        )
        self.output_bias = self.add_weight(
            name="output_bias", shape=(hidden_dim,), initializer="zeros"
        )

    def call(self, inputs, training=None):
        kernel, bias = self.intermediate_kernel, self.intermediate_bias
        if training and self.activation == "gelu":
            outputs = trained_gelu(project(inputs, kernel, bias))
        else:
            outputs = project(inputs, kernel, bias, self._activation_function)
        # (B, S, I)
        return project(outputs, self.output_kernel, self.output_bias)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "intermediate_dim": self.intermediate_dim,
            "activation": self.activation,
            "initializer_range": self.initializer_range,
        }
