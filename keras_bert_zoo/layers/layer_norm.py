"""Layer normalization over the last axis."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class LayerNorm(keras.layers.Layer):
    """Normalizes each vector to mean 0 and variance 1, then scales it.

    Computes in float32 at any compute type, that of the weights included.

    Args:
        epsilon: float. Added to the variance.

    Input and output shape: `(..., H)` float.

    Source: Ba et al., 2016 (arXiv:1607.06450).
    """

    def __init__(self, epsilon: float = 1e-12, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, input_shape):
        width = (input_shape[-1],)
        self.gamma = self.add_weight(
            name="gamma", shape=width, initializer="ones", autocast=False
        )
        self.beta = self.add_weight(
            name="beta", shape=width, initializer="zeros", autocast=False
        )

    def call(self, inputs):
        # float64 where that is asked for.
        wide = keras.backend.result_type(self.variable_dtype, "float32")
        values = ops.cast(inputs, wide)
        mean = ops.mean(values, axis=-1, keepdims=True)
        centered = ops.subtract(values, mean)
        variance = ops.mean(ops.square(centered), axis=-1, keepdims=True)
        scale = ops.rsqrt(ops.add(variance, self.epsilon))
        outputs = ops.add(
            centered * scale * ops.cast(self.gamma, wide),
            ops.cast(self.beta, wide),
        )
        return ops.cast(outputs, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}
