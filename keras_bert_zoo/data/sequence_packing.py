"""Sequence packing: which sequences are packed together, and where.

Letters: `R` sequences in a chunk, `N` batches cut from it, `B` sequences in
the largest batch, `C` ways tried for a batch, `P` most packed sequences tried.
Where batches exchange sequences: `K` batches that do, `M` such sets, `T`
sequences in one.
"""

from typing import NamedTuple

import tensorflow as tf

from keras_bert_zoo import feature_names

# Numbers of packed sequences tried for a batch: as many as would be full, some
# more, and fractions of it.
_MORE = (0, 1, 2, 3)
_FRACTIONS = (0.95, 0.9, 0.85, 0.8, 0.75, 0.7)
# In packed sequences so much longer a token takes twice as long, because of
# attention.
_DOUBLE_LENGTH = 1024
# Batches of 32 are as well packed then as many times as large ones.
NUM_EXCHANGING = 8


class PackedBatches(NamedTuple):
    """Batches, and where each of their sequences is packed.

    Attributes:
        groups: `(N, None)`, the sequences of each batch, those packed
            together one after the other.
        layout: `packed_index` and `packed_start`, int32 `(N, None)`: the index
            of the packed sequence that holds each sequence, from 0, and the
            position of its first token there.
        num_cells: int64 scalar. Tokens in all packed sequences, padding
            included.
    """

    groups: tf.RaggedTensor
    layout: dict
    num_cells: tf.Tensor


def in_order(
    lengths: tf.Tensor, batch_size: int, drop_remainder: bool = False
) -> tf.RaggedTensor:
    """Returns the sequences of each batch, in the order of the chunk.

    Args:
        lengths: int `(R,)`, tokens in each sequence.
        batch_size: int. Sequences in a batch; the last may have fewer.
        drop_remainder: bool. Whether sequences at the chunk's end are left
            out, so that the last batch has as many.

    Returns:
        int32 `RaggedTensor` `(N, None)`.
    """
    num_sequences = tf.size(lengths)
    if drop_remainder:
        num_sequences = num_sequences // batch_size * batch_size
    indices = tf.range(num_sequences)
    starts = tf.range(0, num_sequences, batch_size)
    return tf.RaggedTensor.from_row_starts(indices, starts, validate=False)


def pack_sequences(
    groups: tf.RaggedTensor, lengths: tf.Tensor, packed_length: int
) -> PackedBatches:
    """Packs the sequences of each batch.

    All packed sequences of a batch are as long as its fullest. The longest
    sequences are placed first: each in the packed sequence that is emptiest,
    or each in the fullest one that has room for it. Of both ways, with some
    numbers of packed sequences, the one with least work is taken: padding, and
    attention in long sequences.

    Args:
        groups: the sequences of each batch, `(N, None)`.
        lengths: int `(R,)`, tokens in each sequence.
        packed_length: int. About how many tokens a packed sequence has; more
            where sequences do not add up to it, or one is longer.

    Source: Graham, 1969 (doi:10.1137/0117039): longest processing time first;
    Johnson et al., 1974 (doi:10.1137/0203025): best fit decreasing.
    """
    packed = pack_each(groups, lengths, packed_length)
    return packed._replace(num_cells=tf.reduce_sum(packed.num_cells))


def pack_each(
    groups: tf.RaggedTensor, lengths: tf.Tensor, packed_length: int
) -> PackedBatches:
    """Packs as `pack_sequences`, with `num_cells` per batch, int64 `(N,)`."""
    longest, order = longest_first(groups, lengths)
    exists = longest >= 0
    dense = tf.maximum(longest, 0)
    counts = _numbers_to_try(dense, groups, packed_length)
    # In as little room as there may be, or in none.
    least = -(-tf.reduce_sum(dense, axis=1, keepdims=True) // counts)
    least = tf.maximum(least, dense[:, :1])
    room = tf.concat([tf.zeros_like(least), least], 1)  # (N, C)
    counts = tf.concat([counts, counts], 1)
    rows, starts, loads = placed(dense, counts, room)
    row_lengths = tf.reduce_max(loads, axis=2)  # (N, C)
    # The last ones may be left empty.
    cells = tf.math.count_nonzero(loads, axis=2, dtype=tf.int32) * row_lengths
    longer = tf.maximum(row_lengths - packed_length, 0) / _DOUBLE_LENGTH
    cost = tf.cast(cells, tf.float64) * (1 + longer)
    best = tf.argmin(cost, axis=1, output_type=tf.int32)
    rows = tf.gather(rows, best, axis=2, batch_dims=1)  # (N, B)
    starts = tf.gather(starts, best, axis=2, batch_dims=1)
    # What is no sequence stands last in `order`, and stays there.
    rows = tf.where(exists, rows, tf.int32.max)
    by_row = tf.argsort(rows, stable=True)
    kept = tf.where(tf.reshape(exists, [-1]))[:, 0]

    def ragged(values):
        values = tf.gather(values, by_row, batch_dims=1)
        return groups.with_flat_values(
            tf.gather(tf.reshape(values, [-1]), kept)
        )

    layout = {
        feature_names.PACKED_INDEX: ragged(rows),
        feature_names.PACKED_START: ragged(starts),
    }
    flat_indices = ragged(in_flat_values(order, groups)).flat_values
    return PackedBatches(
        groups.with_flat_values(tf.gather(groups.flat_values, flat_indices)),
        layout,
        tf.cast(tf.gather(cells, best, batch_dims=1), tf.int64),
    )


def in_flat_values(order: tf.Tensor, groups: tf.RaggedTensor) -> tf.Tensor:
    """Returns indices into groups, `(N, B)`, as indices into flat values."""
    starts = tf.cast(groups.row_starts(), order.dtype)
    return order + starts[:, None]


def longest_first(
    groups: tf.RaggedTensor, lengths: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the lengths of each group's sequences, falling.

    Args:
        groups, lengths: see `pack_sequences`.

    Returns:
        int32 `(N, B)`: the lengths, -1 where a group has no more, and the
        indices in the group. `B` is 1 where there are no groups.
    """
    dense = groups.with_flat_values(
        tf.gather(tf.cast(lengths, tf.int32), groups.flat_values)
    ).to_tensor(-1)
    missing = tf.maximum(1 - tf.shape(dense)[1], 0)
    dense = tf.pad(dense, [[0, 0], [0, missing]], constant_values=-1)
    order = tf.argsort(dense, direction="DESCENDING", stable=True)
    return tf.gather(dense, order, batch_dims=1), order


def _numbers_to_try(dense, groups, packed_length):
    """Returns the numbers of packed sequences to try, int32 `(N, C)`."""
    row_lengths = tf.maximum(dense[:, :1], packed_length)
    full = -(-tf.reduce_sum(dense, axis=1, keepdims=True) // row_lengths)
    most = tf.cast(groups.row_lengths(), tf.int32)[:, None]
    fractions = tf.cast(full, tf.float64) * tf.constant(_FRACTIONS, tf.float64)
    fewer = tf.cast(tf.math.ceil(fractions), tf.int32)
    counts = tf.concat([full + tf.constant(_MORE), fewer], 1)
    return tf.clip_by_value(counts, 1, tf.maximum(most, 1))


def placed(dense, counts, room):
    """Places sequences in packed sequences, called rows, longest first.

    Args:
        dense: int32 `(N, B)`, tokens in each sequence, falling.
        counts: int32 `(N, C)`. How many rows there are.
        room: int32 `(N, C)`. What a row holds before the emptiest is chosen.

    Returns:
        rows and starts, `(N, B, C)`, and what rows hold, `(N, C, P)`.
    """
    most = tf.maximum(tf.reduce_max(counts), 1)
    # Rows beyond the count seem full.
    loads = tf.where(
        tf.sequence_mask(counts, most), 0, tf.constant(tf.int32.max // 2)
    )
    num_sequences = tf.shape(dense)[1]
    arrays = [
        tf.TensorArray(tf.int32, num_sequences, element_shape=(None, None))
        for _ in range(2)
    ]

    def place(index, loads, rows, starts):
        size = dense[:, index][:, None, None]
        fits = loads + size <= room[:, :, None]
        choice = tf.where(fits, loads, -1 - loads)
        row = tf.argmax(choice, axis=2, output_type=tf.int32)  # (N, C)
        start = tf.gather(loads, row, axis=2, batch_dims=2)
        added = size * tf.one_hot(row, most, dtype=tf.int32)
        return (
            index + 1,
            loads + added,
            rows.write(index, row),
            starts.write(index, start),
        )

    _, loads, rows, starts = tf.while_loop(
        lambda index, *_: index < num_sequences, place, (0, loads, *arrays)
    )
    exists = tf.sequence_mask(counts, most)
    return (
        tf.transpose(rows.stack(), (1, 0, 2)),
        tf.transpose(starts.stack(), (1, 0, 2)),
        tf.where(exists, loads, 0),
    )


def pack_with_exchange(
    groups: tf.RaggedTensor, lengths: tf.Tensor, packed_length: int
) -> PackedBatches:
    """Packs sequences as `pack_sequences` does, in batches that exchange some.

    Batches that stand together exchange sequences, and keep their sizes. Of
    the batches as they were and as they are then, those are taken that need
    less room.

    Args:
        groups, lengths, packed_length: see `pack_sequences`.
    """
    others = exchanged(groups, lengths, packed_length)
    # Both at once, because half the ops are half the time to build them.
    both = tf.RaggedTensor.from_row_lengths(
        tf.concat([groups.flat_values, others.flat_values], 0),
        tf.tile(groups.row_lengths(), [2]),
        validate=False,
    )
    packed = pack_each(both, lengths, packed_length)
    num_cells = tf.reduce_sum(tf.reshape(packed.num_cells, (2, -1)), axis=1)
    choice = tf.argmin(num_cells)

    def chosen(ragged):
        values = tf.reshape(ragged.flat_values, (2, -1))
        return groups.with_flat_values(tf.gather(values, choice))

    return PackedBatches(
        chosen(packed.groups),
        {name: chosen(one) for name, one in packed.layout.items()},
        tf.gather(num_cells, choice),
    )


def exchanged(
    groups: tf.RaggedTensor, lengths: tf.Tensor, packed_length: int
) -> tf.RaggedTensor:
    """Returns batches of the same sizes that can be packed fuller.

    All sequences of some batches are packed together. The packed sequences
    that hold most sequences are assigned first, each to the batch that has
    most sequences missing. One that fits into no batch is split: its sequences
    are assigned one by one.

    Args:
        groups, lengths, packed_length: see `pack_sequences`.

    Returns:
        `RaggedTensor` `(N, None)`.
    """
    sizes = groups.row_lengths()
    num_sets = -(-tf.size(sizes) // NUM_EXCHANGING)
    missing = num_sets * NUM_EXCHANGING - tf.size(sizes)
    free = tf.reshape(tf.pad(sizes, [[0, missing]]), (-1, NUM_EXCHANGING))
    sets = tf.RaggedTensor.from_row_lengths(
        groups.flat_values, tf.reduce_sum(free, axis=1), validate=False
    )
    dense, order = longest_first(sets, lengths)  # (M, T)
    exists = dense >= 0
    rows = _rows(tf.maximum(dense, 0), packed_length)
    batch_of_row, free = _dealt(_counts(rows, exists), tf.cast(free, tf.int32))
    batches = tf.gather(batch_of_row, rows, batch_dims=1)  # (M, T)
    # Those left over fill up the batches, in order.
    is_left = exists & (batches < 0)
    number = tf.cumsum(tf.cast(is_left, tf.int32), axis=1) - 1
    free_until = tf.cumsum(free, axis=1)
    rest = tf.searchsorted(free_until, tf.maximum(number, 0), side="right")
    batches = tf.where(is_left, rest, batches)
    batches = tf.where(exists, batches, NUM_EXCHANGING)
    order = tf.gather(order, tf.argsort(batches, stable=True), batch_dims=1)
    # What there is stands before what there is not.
    flat_indices = tf.boolean_mask(in_flat_values(order, sets), exists)
    return groups.with_flat_values(tf.gather(groups.flat_values, flat_indices))


def _rows(dense, packed_length):
    """Returns the packed sequence of each sequence, `(M, T)`."""
    num_sequences = tf.shape(dense)[1]
    counts = tf.fill((tf.shape(dense)[0], 1), num_sequences)
    room = tf.maximum(
        tf.reduce_max(dense, axis=1, keepdims=True), packed_length
    )
    rows, _, _ = placed(dense, counts, room)
    return rows[:, :, 0]


def _counts(rows, exists):
    """Returns how many sequences each packed one has, `(M, P)`, `P` = `T`."""
    num_sets, most = tf.unstack(tf.shape(rows))
    segments = rows + most * tf.range(num_sets)[:, None]
    counts = tf.math.unsorted_segment_sum(
        tf.cast(exists, tf.int32), segments, num_sets * most
    )
    return tf.reshape(counts, (num_sets, most))


def _dealt(counts, free):
    """Deals packed sequences out to batches.

    Args:
        counts: int32 `(M, P)`. Sequences in each of them.
        free: int32 `(M, K)`. Sequences that each batch lacks.

    Returns:
        The batch of each, `(M, P)`, -1 where it fits into none; and what
        batches still lack, `(M, K)`.
    """
    order = tf.argsort(counts, direction="DESCENDING", stable=True)
    counts = tf.gather(counts, order, batch_dims=1)
    num_rows = tf.shape(counts)[1]
    dealt = tf.TensorArray(tf.int32, num_rows, element_shape=(None,))

    def deal(index, free, dealt):
        count = counts[:, index]
        batch = tf.argmax(free, axis=1, output_type=tf.int32)
        fits = tf.gather(free, batch, batch_dims=1) >= count
        taken = tf.where(fits, count, 0)[:, None]
        free -= taken * tf.one_hot(batch, NUM_EXCHANGING, dtype=tf.int32)
        return index + 1, free, dealt.write(index, tf.where(fits, batch, -1))

    _, free, dealt = tf.while_loop(
        lambda index, *_: index < num_rows, deal, (0, free, dealt)
    )
    batches = tf.transpose(dealt.stack())  # In falling order of the counts.
    back = tf.argsort(order)
    return tf.gather(batches, back, batch_dims=1), free
