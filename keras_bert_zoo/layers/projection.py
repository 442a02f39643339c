"""The affine map that every layer is made of."""

from collections.abc import Callable

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
    leading = ops.shape(inputs)[:-1]
    input_dim, output_dim = kernel.shape
    outputs = ops.reshape(inputs, (-1, input_dim))
    outputs = ops.add(ops.matmul(outputs, kernel), bias)
    if activation is not None:
        outputs = activation(outputs)
    return ops.reshape(outputs, (*leading, output_dim))
