"""Activation functions under the names that checkpoints use."""

import functools
import math
from collections.abc import Callable

import keras
from keras import ops

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.layers.own_gradient import own_gradient

# `gelu` is the exact form: published BERT weights, TF1 and Hugging Face
# alike, were trained with the Gauss error function.
ACTIVATIONS = {
    "gelu": functools.partial(keras.ops.gelu, approximate=False),
    "gelu_approximate": functools.partial(keras.ops.gelu, approximate=True),
    "relu": keras.ops.relu,
    "silu": keras.ops.silu,
    "tanh": keras.ops.tanh,
    "linear": lambda inputs: inputs,
}


def activation_function(name: str) -> Callable:
    """Returns the function of that name.

    Args:
        name: str. `gelu` (erf form), `gelu_approximate` (tanh form), `relu`,
            `silu`, `tanh` or `linear`.

    Raises:
        InputError: if the name is unknown.

    Source: Hendrycks and Gimpel, 2016 (arXiv:1606.08415), for both GELUs.
    """
    if name not in ACTIVATIONS:
        raise InputError(
            "`activation` must be one of "
            f"{', '.join(sorted(ACTIVATIONS))}. Received: {name!r}."
        )
    return ACTIVATIONS[name]


@own_gradient
def trained_gelu(inputs):
    """Computes exact GELU and its gradient in as few passes as it takes.

    Without a gradient, `gelu` is faster: libraries fuse it with the product
    before it. With one they cannot, and its passes over a wide tensor take
    twice as long as these on a processor, in bfloat16 up to five times.

    Args:
        inputs: float tensor. Computed in float32 if its type is narrower.

    Returns:
        The same shape and type.

    Source: Hendrycks and Gimpel, 2016 (arXiv:1606.08415), section 2.
    """
    wide = keras.backend.result_type(inputs.dtype, "float32")
    values = ops.cast(inputs, wide)
    share = 0.5 + 0.5 * ops.erf(values * math.sqrt(0.5))

    def gradient(upstream):
        # Cast anew: what is kept till then is the narrower one.
        values = ops.cast(inputs, wide)
        log_density = -0.5 * ops.square(values) - 0.5 * math.log(2 * math.pi)
        slope = share + values * ops.exp(log_density)
        return ops.cast(ops.cast(upstream, wide) * slope, inputs.dtype)

    return ops.cast(values * share, inputs.dtype), gradient
