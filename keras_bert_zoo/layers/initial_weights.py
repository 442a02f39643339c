"""Initial values of weight matrices, or none where they are read."""

import contextlib
import contextvars
from collections.abc import Iterator

import keras

_are_read = contextvars.ContextVar("weights_are_read", default=False)


def truncated_normal(stddev: float) -> keras.initializers.Initializer:
    """Returns BERT's initializer of weight matrices.

    Inside of `weights_are_read` it gives zeros: drawing the 110 million
    numbers of a BERT-base takes longer than reading them.

    Args:
        stddev: float. Standard deviation; draws beyond two are made anew.
    """
    if _are_read.get():
        return keras.initializers.Zeros()
    return keras.initializers.TruncatedNormal(stddev=stddev)


@contextlib.contextmanager
def weights_are_read() -> Iterator[None]:
    """Builds layers without random weights, for a caller who sets them all."""
    token = _are_read.set(True)
    try:
        yield
    finally:
        _are_read.reset(token)
