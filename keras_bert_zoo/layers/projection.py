"""The affine map that every layer is made of."""

from collections.abc import Callable

import keras
from keras import ops


def project(
    inputs,
    kernel,
    bias,
    activation: Callable | None = None,
):
    """Applies `activation(inputs @ kernel + bias)` to the last axis.

    Folds the leading axes into one, so that one matrix product of two
    dimensions does the work: this is what CPU libraries fuse with the bias
    and the activation.

    Args:
        inputs: float `(..., I)`.
        kernel: float `(I, O)`.
        bias: float `(O,)`.
        activation: function of one tensor, or `None`.

    Returns:
        float `(..., O)`.
    """
    input_dim, output_dim = kernel.shape
    shape = (*ops.shape(inputs)[:-1], output_dim)
    outputs = ops.matmul(ops.reshape(inputs, (-1, input_dim)), kernel)
    if activation is not None:
        return ops.reshape(activation(ops.add(outputs, bias)), shape)
    if keras.backend.standardize_dtype(outputs.dtype) == "bfloat16":
        # oneDNN's product with a bias alone takes longer than both apart.
        return ops.add(ops.reshape(outputs, shape), bias)
    return ops.reshape(ops.add(outputs, bias), shape)
