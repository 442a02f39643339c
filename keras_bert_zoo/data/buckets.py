"""Batches of like length, and the few lengths that they may be padded to.

XLA, and so a TPU, compiles a program anew for each shape of its inputs: where
shapes are to be few, batches are padded to bucket lengths.

Letters: `R` sequences in a chunk, `N` batches cut from it.
"""

from collections.abc import Sequence

import tensorflow as tf

from keras_bert_zoo import arguments
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.tokenization.packing import row_ids

_SHORTEST = 32


def group_by_size(
    lengths: tf.Tensor, batch_size: int, drop_remainder: bool = False
) -> tf.RaggedTensor:
    """Returns the sequences of each batch, shortest first, `batch_size` each.

    Args:
        lengths: int `(R,)`, tokens in each sequence, at least one.
        batch_size: int. Sequences in a batch; the last may have fewer.
        drop_remainder: bool. Whether sequences at the chunk's end are dropped,
            so that the last batch has as many. Were that batch dropped instead,
            the longest sequences would be lost, always.

    Returns:
        int32 `RaggedTensor` `(N, None)` of indices.
    """
    if drop_remainder:
        lengths = lengths[: tf.size(lengths) // batch_size * batch_size]
    order = tf.argsort(lengths, stable=True)  # (R,)
    num_sequences = tf.size(order)
    starts = tf.range(0, num_sequences, batch_size)
    return tf.RaggedTensor.from_row_starts(order, starts, validate=False)


def group_by_tokens(
    lengths: tf.Tensor, tokens_per_batch: int
) -> tf.RaggedTensor:
    """Returns the sequences of each batch, shortest first, within a budget.

    A batch takes sequences while their number times the longest of them stays
    within the budget. A sequence above it makes a batch of its own.

    Args:
        lengths: int `(R,)`, tokens in each sequence, at least one.
        tokens_per_batch: int. Most tokens in a batch, padding included.

    Returns:
        int32 `RaggedTensor` `(N, None)` of indices.
    """
    order = tf.argsort(lengths, stable=True)  # (R,)
    num_sequences = tf.size(order)
    ascending = tf.cast(tf.gather(lengths, order), tf.int32)
    indices = tf.range(num_sequences)

    def add_batch(start, starts):
        padded = (indices - start + 1) * ascending  # rises from `start` on
        fits = (indices >= start) & (padded <= tokens_per_batch)
        num_fitting = tf.reduce_sum(tf.cast(fits, tf.int32))
        starts = starts.write(starts.size(), start)
        return start + tf.maximum(num_fitting, 1), starts

    _, starts = tf.while_loop(
        lambda start, _: start < num_sequences,
        add_batch,
        (0, tf.TensorArray(tf.int32, size=0, dynamic_size=True)),
    )
    return tf.RaggedTensor.from_row_starts(
        order, starts.stack(), validate=False
    )


def shuffle_groups(groups: tf.RaggedTensor, seed: tf.Tensor):
    """Returns the batches shuffled by `seed`, int `(2,)`."""
    keys = tf.random.stateless_uniform(
        [groups.nrows()], seed, dtype=tf.float64, alg="philox"
    )
    return tf.gather(groups, tf.argsort(keys, stable=True))


def num_padded_tokens(
    groups: tf.RaggedTensor,
    lengths: tf.Tensor,
    bucket_lengths: Sequence[int] | None = None,
):
    """Returns the tokens of all batches, padding included.

    Args:
        groups: sequences of each batch, at least one in each, `(N, None)`.
        lengths: int `(R,)`, tokens in each sequence.
        bucket_lengths: what batches are padded to; each to its longest
            sequence if `None`.
    """
    longest = tf.math.segment_max(
        tf.gather(lengths, groups.flat_values), row_ids(groups)
    )  # (N,)
    if bucket_lengths is not None:
        longest = tf.gather(
            tf.constant(bucket_lengths, longest.dtype),
            bucket_indices(longest, bucket_lengths),
        )
    sizes = tf.cast(groups.row_lengths(), longest.dtype)
    return tf.reduce_sum(longest * sizes)


def default_bucket_lengths(sequence_length: int) -> tuple[int, ...]:
    """Returns bucket lengths: powers of 2 from 32 on, `sequence_length` last.

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
    checked = tuple(
        arguments.whole_number("bucket_lengths", length)
        for length in bucket_lengths
    )
    rises = all(length < other for length, other in zip(checked, checked[1:]))
    if not rises or checked[-1:] != (sequence_length,):
        raise InputError(
            "`bucket_lengths` must rise to `sequence_length`, so that each "
            f"sequence has one. Received: bucket_lengths={checked}, "
            f"sequence_length={sequence_length}. Sort them, and end with "
            f"{sequence_length}."
        )
    return checked


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
