"""The few lengths that batches are padded to where shapes are to be few.

A program that is compiled for shapes, by XLA for a TPU say, is compiled anew
for each of them.
"""

from collections.abc import Sequence

import tensorflow as tf

from keras_bert_zoo import arguments
from keras_bert_zoo.errors import InputError

_SHORTEST = 32


def default_widths(sequence_length: int) -> tuple[int, ...]:
    """Returns 32, its doubles, and `sequence_length` itself, the last.

    Compiling a large encoder takes minutes for each. Doubling keeps them
    few, and of a batch's longest row less than half is padding.
    """
    widths = []
    width = _SHORTEST
    while width < sequence_length:
        widths.append(width)
        width *= 2
    return (*widths, sequence_length)


def checked_widths(
    widths: Sequence[int], sequence_length: int
) -> tuple[int, ...]:
    """Returns the widths, if every sequence has one.

    Args:
        widths: tokens, rising.
        sequence_length: int. Most tokens in a sequence.

    Raises:
        InputError: if they do not rise to `sequence_length`.
    """
    found = tuple(arguments.whole_number("widths", one) for one in widths)
    rises = all(one < other for one, other in zip(found, found[1:]))
    if not rises or found[-1:] != (sequence_length,):
        raise InputError(
            "`widths` must rise to `sequence_length`, so that each sequence "
            f"has one. Received: widths={found}, sequence_length="
            f"{sequence_length}. Sort them, and end with {sequence_length}."
        )
    return found


def places_of(lengths: tf.Tensor, widths: Sequence[int]) -> tf.Tensor:
    """Returns the place of the smallest width that holds each length.

    Args:
        lengths: int `(N,)`. Tokens.
        widths: tokens, rising.

    Returns:
        int32 `(N,)`.
    """
    return tf.searchsorted(tf.constant(widths, lengths.dtype), lengths)
