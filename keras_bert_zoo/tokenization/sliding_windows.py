"""Sliding windows over texts that are longer than an encoder reads.

Letters: `B` rows of tokens, one for each text; `R` windows.
"""

import dataclasses

import tensorflow as tf

from keras_bert_zoo.tokenization.packing import rows_of_lengths


@dataclasses.dataclass(frozen=True)
class SlidingWindows:
    """Where the windows of `B` rows begin and end, in order.

    Each token of a row is owned by exactly one window: of those that hold it,
    the one where it stands farthest from an edge.

    Attributes:
        num_windows: int64 `(B,)`, at least 1, also for an empty row.
        rows: int64 `(R,)`, the row that a window is cut from.
        starts: int64 `(R,)`, a window's first token in its row.
        ends: int64 `(R,)`, the token after its last.
        owned_starts: int64 `(R,)`, the first token that it owns.
        owned_ends: int64 `(R,)`, the token after the last that it owns.
    """

    num_windows: tf.Tensor
    rows: tf.Tensor
    starts: tf.Tensor
    ends: tf.Tensor
    owned_starts: tf.Tensor
    owned_ends: tf.Tensor


def overlapping_windows(lengths, capacity, overlap) -> SlidingWindows:
    """Cuts each row into as few windows as can be, of like length.

    Args:
        lengths: int `(B,)`, tokens in each row.
        capacity: int, or int `(B,)`, at least 1. Maximum number of tokens in a
            window.
        overlap: int, or int `(B,)`. Tokens by which neighbours overlap, at
            least; fewer where `capacity` is not larger.
    """
    lengths = tf.cast(lengths, tf.int64)  # (B,)
    capacity = tf.broadcast_to(tf.cast(capacity, tf.int64), tf.shape(lengths))
    overlap = tf.minimum(tf.cast(overlap, tf.int64), capacity - 1)
    num_windows = tf.where(
        lengths <= capacity,
        tf.ones_like(lengths),
        _divide_up(lengths - overlap, capacity - overlap),
    )
    width = _divide_up(lengths + (num_windows - 1) * overlap, num_windows)
    width = tf.where(lengths <= capacity, lengths, width)

    rows = rows_of_lengths(num_windows)  # (R,)
    number = tf.ragged.range(num_windows).flat_values  # from 0 in each row
    gaps = tf.maximum(tf.gather(num_windows, rows) - 1, 1)
    length, width = tf.gather(lengths, rows), tf.gather(width, rows)
    starts = number * (length - width) // gaps
    next_starts = (number + 1) * (length - width) // gaps
    before_starts = (number - 1) * (length - width) // gaps
    ends = starts + width
    is_first = number == 0
    is_last = number == tf.gather(num_windows, rows) - 1
    return SlidingWindows(
        num_windows=num_windows,
        rows=rows,
        starts=starts,
        ends=ends,
        owned_starts=tf.where(
            is_first, starts, (starts + before_starts + width) // 2
        ),
        owned_ends=tf.where(is_last, ends, (next_starts + ends) // 2),
    )


def full_windows(lengths, capacity: int, smallest: int) -> SlidingWindows:
    """Cuts each row into windows without overlap, as full as can be.

    All but a row's last two hold `capacity` tokens, and so does the last but
    one where that leaves enough for the last: `smallest`, at least.

    Args:
        lengths: int `(B,)`, tokens in each row.
        capacity: int, at least 1. Maximum number of tokens in a window.
        smallest: int from 1 to `capacity`. Fewest tokens in the last of
            several windows.
    """
    lengths = tf.cast(lengths, tf.int64)  # (B,)
    num_windows = tf.maximum(_divide_up(lengths, capacity), 1)
    rows = rows_of_lengths(num_windows)  # (R,)
    number = tf.ragged.range(num_windows).flat_values  # from 0 in each row
    length = tf.gather(lengths, rows)
    is_last = number == tf.gather(num_windows, rows) - 1

    def start(number):
        return tf.where(
            number > 0, tf.minimum(number * capacity, length - smallest), 0
        )

    starts = start(number)
    ends = tf.where(is_last, length, start(number + 1))
    return SlidingWindows(num_windows, rows, starts, ends, starts, ends)


def _divide_up(dividend, divisor):
    return (dividend + divisor - 1) // divisor
