"""Exchanges sequences between batches, so that packed sequences are full.

Letters: `N` batches, `K` of them that exchange sequences, `M` such sets, `T`
sequences in one, `P` rows.
"""

import tensorflow as tf

from keras_bert_zoo.data.sequence_packing import PackedBatches
from keras_bert_zoo.data.sequence_packing import in_flat_values
from keras_bert_zoo.data.sequence_packing import longest_first
from keras_bert_zoo.data.sequence_packing import pack_each
from keras_bert_zoo.data.sequence_packing import placed

# Batches of 32 are as well packed then as many times as large ones.
NUM_EXCHANGING = 8


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
    """Returns batches of the same sizes whose sequences fill whole rows.

    All sequences of some batches are packed into rows, and the rows dealt out
    to the batches again: those of most sequences first, each to the batch
    that has most places left. What then fits into none is dealt one by one.

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
    # Those left over fill the places that are left, in order.
    is_left = exists & (batches < 0)
    place = tf.cumsum(tf.cast(is_left, tf.int32), axis=1) - 1
    places_end = tf.cumsum(free, axis=1)
    rest = tf.searchsorted(places_end, tf.maximum(place, 0), side="right")
    batches = tf.where(is_left, rest, batches)
    batches = tf.where(exists, batches, NUM_EXCHANGING)
    order = tf.gather(order, tf.argsort(batches, stable=True), batch_dims=1)
    # What there is stands before what there is not.
    places = tf.boolean_mask(in_flat_values(order, sets), exists)
    return groups.with_flat_values(tf.gather(groups.flat_values, places))


def _rows(dense, packed_length):
    """Returns the row of each sequence, `(M, T)`, as many as are needed."""
    num_sequences = tf.shape(dense)[1]
    counts = tf.fill((tf.shape(dense)[0], 1), num_sequences)
    room = tf.maximum(
        tf.reduce_max(dense, axis=1, keepdims=True), packed_length
    )
    rows, _, _ = placed(dense, counts, room)
    return rows[:, :, 0]


def _counts(rows, exists):
    """Returns how many sequences each row has, `(M, P)`, `P` being `T`."""
    num_sets, most = tf.unstack(tf.shape(rows))
    places = rows + most * tf.range(num_sets)[:, None]
    counts = tf.math.unsorted_segment_sum(
        tf.cast(exists, tf.int32), places, num_sets * most
    )
    return tf.reshape(counts, (num_sets, most))


def _dealt(counts, free):
    """Deals rows out to batches.

    Args:
        counts: int32 `(M, P)`. Sequences in each row.
        free: int32 `(M, K)`. Places in each batch.

    Returns:
        The batch of each row, `(M, P)`, -1 where it fits into none; and
        the places left, `(M, K)`.
    """
    order = tf.argsort(counts, direction="DESCENDING", stable=True)
    counts = tf.gather(counts, order, batch_dims=1)
    num_rows = tf.shape(counts)[1]
    found = tf.TensorArray(tf.int32, num_rows, element_shape=(None,))

    def deal(index, free, found):
        count = counts[:, index]
        batch = tf.argmax(free, axis=1, output_type=tf.int32)
        fits = tf.gather(free, batch, batch_dims=1) >= count
        taken = tf.where(fits, count, 0)[:, None]
        free -= taken * tf.one_hot(batch, NUM_EXCHANGING, dtype=tf.int32)
        return index + 1, free, found.write(index, tf.where(fits, batch, -1))

    _, free, found = tf.while_loop(
        lambda index, *_: index < num_rows, deal, (0, free, found)
    )
    batches = tf.transpose(found.stack())  # In falling order of the counts.
    back = tf.argsort(order)
    return tf.gather(batches, back, batch_dims=1), free
