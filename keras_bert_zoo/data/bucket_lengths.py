"""Bucket lengths: the few lengths that batches are padded to.

XLA, and so a TPU, compiles a program anew for each shape of its inputs.
"""

from collections.abc import Sequence

import tensorflow as tf

from keras_bert_zoo import arguments
from keras_bert_zoo.errors import InputError

_SHORTEST = 32


def default_bucket_lengths(sequence_length: int) -> tuple[int, ...]:
    """Returns the powers of 2 from 32 on, and `sequence_length` as the last.

    Compiling a large encoder takes minutes for each. Doubling keeps them
    few, and less than half of the longest sequence is padding.
    """
    bucket_lengths = []
    length = _SHORTEST
    while length < sequence_length:
        bucket_lengths.append(length)
        length *= 2
    return (*bucket_lengths, sequence_length)


def checked_bucket_lengths(
    bucket_lengths: Sequence[int], sequence_length: int
) -> tuple[int, ...]:
    """Returns the bucket lengths, checked to hold every sequence.

    Args:
        bucket_lengths: in tokens, ascending.
        sequence_length: int. Most tokens in a sequence.

    Raises:
        InputError: if they do not rise to `sequence_length`.
    """
    found = tuple(
        arguments.whole_number("bucket_lengths", one) for one in bucket_lengths
    )
    rises = all(one < other for one, other in zip(found, found[1:]))
    if not rises or found[-1:] != (sequence_length,):
        raise InputError(
            "`bucket_lengths` must rise to `sequence_length`, so that each "
            f"sequence has one. Received: bucket_lengths={found}, "
            f"sequence_length={sequence_length}. Sort them, and end with "
            f"{sequence_length}."
        )
    return found


def bucket_indices(
    lengths: tf.Tensor, bucket_lengths: Sequence[int]
) -> tf.Tensor:
    """Returns the index of the smallest bucket that holds each length.

    Args:
        lengths: int `(N,)`. Tokens.
        bucket_lengths: in tokens, ascending.

    Returns:
        int32 `(N,)`.
    """
    return tf.searchsorted(tf.constant(bucket_lengths, lengths.dtype), lengths)
