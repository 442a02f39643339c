"""Functions that compute their own gradient, on every Keras backend."""

import functools
from collections.abc import Callable

from keras import ops


def own_gradient(function: Callable) -> Callable:
    """Decorates a function of tensors that also returns its gradient.

    Args:
        function: from tensors to its output and to a function from the
            gradient of the output to that of each input.

    Returns:
        Function from the same tensors to the output alone.
    """

    @ops.custom_gradient
    @functools.wraps(function)
    def compute(*inputs):
        outputs, gradient = function(*inputs)

        # On PyTorch Keras gives the inputs, too, and the gradient by name.
        def of_inputs(*given, upstream=None):
            return gradient(given[0] if upstream is None else upstream)

        return outputs, of_inputs

    return compute
