"""Activation functions under the names that checkpoints use."""

import functools
from collections.abc import Callable

import keras

from keras_bert_zoo.errors import InputError

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
