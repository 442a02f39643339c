"""Rows of ragged tensors, and of values that are marked, in a few ops.

`tf.RaggedTensor.value_rowids` adds 72 ops to a graph, `tf.repeat` 53,
`tf.ragged.boolean_mask` 114 and `tf.concat` of rows 79; a pipeline that asks
for a dozen of them is traced anew by each `fit`, and optimized anew for each
pass over its rows.
"""

import tensorflow as tf


def row_ids(ragged: tf.RaggedTensor) -> tf.Tensor:
    """Returns the row of each value, from 0, in the type of the row splits.

    Args:
        ragged: `(B, None)`, with `N` values in all rows.

    Returns:
        `(N,)`, as `value_rowids` does.
    """
    ends = ragged.row_splits[1:]
    return _rows(ends, tf.size(ragged.values, ends.dtype))


def rows_of_lengths(lengths: tf.Tensor) -> tf.Tensor:
    """Returns the same for rows of these lengths, int `(B,)`."""
    return _rows(tf.cumsum(lengths), tf.reduce_sum(lengths))


def marked(ragged: tf.RaggedTensor, flags: tf.Tensor) -> tf.RaggedTensor:
    """Returns the values of each row that are marked.

    Args:
        ragged: `(B, None)`, with `N` values in all rows.
        flags: bool `(N,)`.

    Returns:
        `(B, None)`, as `tf.ragged.boolean_mask` does.
    """
    splits = ragged.row_splits
    before = tf.cumsum(tf.pad(tf.cast(flags, splits.dtype), [[1, 0]]))
    return tf.RaggedTensor.from_row_splits(
        tf.gather(ragged.values, tf.where(flags)[:, 0]),
        tf.gather(before, splits),
        validate=False,
    )


def joined(one: tf.RaggedTensor, other: tf.RaggedTensor) -> tf.RaggedTensor:
    """Returns the rows of one, each with those of the other behind it.

    Args:
        one, other: `(B, None)` of one type.

    Returns:
        `(B, None)`, as `tf.concat` does along the second axis.
    """
    indices = [
        tf.range(tf.size(values.values, splits.dtype), dtype=splits.dtype)
        + tf.gather(splits, row_ids(values))
        for values, splits in (
            (one, other.row_splits),
            (other, one.row_splits[1:]),
        )
    ]
    return tf.RaggedTensor.from_row_splits(
        tf.dynamic_stitch(
            [tf.cast(each, tf.int32) for each in indices],
            [one.values, other.values],
        ),
        one.row_splits + other.row_splits,
        validate=False,
    )


def _rows(ends, num_values):
    indices = tf.range(num_values, dtype=ends.dtype)
    # As many rows end up to an index as come before its own.
    rows = tf.raw_ops.UpperBound(
        sorted_inputs=tf.expand_dims(ends, 0),
        values=tf.expand_dims(indices, 0),
        out_type=ends.dtype,
    )
    return tf.reshape(rows, [-1])
