"""Layer normalization over the last axis."""

import keras
from keras import ops

from keras_bert_zoo.layers.own_gradient import own_gradient


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

    def call(self, inputs, training=None):
        # float64 where that is asked for.
        wide = keras.backend.result_type(self.variable_dtype, "float32")
        values = ops.cast(inputs, wide)
        gamma, beta = (ops.cast(one, wide) for one in (self.gamma, self.beta))
        outputs = (_trained if training else _scaled)(
            values, gamma, beta, self.epsilon
        )
        return ops.cast(outputs, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}


def _normalized(values, epsilon):
    """Returns vectors of mean 0 and variance 1, and what each was scaled by."""
    mean = ops.mean(values, axis=-1, keepdims=True)
    centered = ops.subtract(values, mean)
    variance = ops.mean(ops.square(centered), axis=-1, keepdims=True)
    scale = ops.rsqrt(ops.add(variance, epsilon))
    return centered * scale, scale


def _scaled(values, gamma, beta, epsilon):
    normalized, _ = _normalized(values, epsilon)
    return ops.add(normalized * gamma, beta)


def _trained(values, gamma, beta, epsilon):
    """Computes the same, and its gradient in fewer passes than by parts."""

    @own_gradient
    def compute(values, gamma, beta):
        normalized, scale = _normalized(values, epsilon)

        def gradient(upstream):
            product = upstream * normalized
            leading = tuple(range(len(values.shape) - 1))
            of_normalized = upstream * gamma
            mean = ops.mean(of_normalized, axis=-1, keepdims=True)
            share = ops.mean(of_normalized * normalized, -1, keepdims=True)
            return (
                (of_normalized - mean - normalized * share) * scale,
                ops.sum(product, axis=leading),
                ops.sum(upstream, axis=leading),
            )

        return ops.add(normalized * gamma, beta), gradient

    return compute(values, gamma, beta)
