"""Batches exchange sequences, so that their packed sequences are full."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo import data
from keras_bert_zoo import testing
from keras_bert_zoo.data import batch_exchange
from keras_bert_zoo.data.sequence_packing import in_order
from keras_bert_zoo.data.sequence_packing import pack_sequences
from task_heads.classification.head import ClassificationHead

WIDTH = 128
# As in a pipeline: its loops are slow where they are eager.
PACK = tf.function(batch_exchange.pack_with_exchange, reduce_retracing=True)


def drawn(num_sequences, shortest=2):
    """Returns lengths as in paragraphs: many are cut, some are titles."""
    random = np.random.default_rng(0)
    lengths = random.integers(shortest, 200, num_sequences)
    lengths[random.random(num_sequences) < 0.2] = 8
    return tf.constant(np.minimum(lengths, WIDTH))


@pytest.mark.parametrize("num_sequences", [1, 5, 31, 32, 33, 640, 2048 + 7])
@pytest.mark.parametrize("batch_size", [1, 3, 32])
def test_each_sequence_is_in_one_batch_of_the_same_size(
    num_sequences, batch_size
):
    lengths = drawn(num_sequences)
    groups = in_order(lengths, batch_size)
    found = batch_exchange.exchanged(groups, lengths, WIDTH)
    assert found.row_lengths().numpy().tolist() == (
        groups.row_lengths().numpy().tolist()
    )
    assert sorted(found.flat_values.numpy()) == list(range(num_sequences))
    # Only with batches that stand near.
    moved = found.flat_values.numpy() // batch_size
    before = np.repeat(np.arange(groups.nrows()), groups.row_lengths())
    sets = batch_exchange.NUM_EXCHANGING
    np.testing.assert_array_equal(moved // sets, before // sets)


def padding(packed, lengths):
    return 1 - int(tf.reduce_sum(lengths)) / int(packed.num_cells)


def test_padding_becomes_little():
    lengths = drawn(2048)
    groups = in_order(lengths, 32)
    plain = padding(pack_sequences(groups, lengths, WIDTH), lengths)
    exchanged_rows = batch_exchange.pack_with_exchange(groups, lengths, WIDTH)
    assert plain > 0.03
    assert padding(exchanged_rows, lengths) < 0.015


@pytest.mark.parametrize("num_sequences", [1, 3, 40, 300])
@pytest.mark.parametrize("packed_length", [1, 20, 1000])
def test_it_never_gets_worse(num_sequences, packed_length):
    lengths = drawn(num_sequences, shortest=1)
    groups = in_order(lengths, 4)
    plain = pack_sequences(groups, lengths, packed_length)
    exchanged_rows = batch_exchange.pack_with_exchange(
        groups, lengths, packed_length
    )
    assert 0 < exchanged_rows.num_cells <= plain.num_cells


@pytest.mark.parametrize(
    "pack", [pack_sequences, batch_exchange.pack_with_exchange]
)
def test_too_few_for_a_batch_are_none(pack):
    lengths = drawn(3)
    groups = in_order(lengths, 4, drop_remainder=True)
    for function in (pack, tf.function(pack)):
        packed = function(groups, lengths, WIDTH)
        assert packed.num_cells == 0
        assert packed.groups.nrows() == 0


def test_large_batches_are_packed():
    lengths = drawn(2 * 1024 + 5)
    groups = in_order(lengths, 1024)
    packed = PACK(groups, lengths, WIDTH)
    assert padding(packed, lengths) < 0.01


@pytest.mark.parametrize("shuffle", [False, True])
def test_only_what_is_drawn_freely_is_exchanged(shuffle):
    lengths = drawn(512).numpy() - 2  # Two tokens more stand around a text.
    counts = data.InputCounts()
    dataset = data.build_dataset(
        data.MemoryRows(
            {"text": ["a " * n for n in lengths], "label": ["x"] * 512}
        ),
        ClassificationHead(["x", "y"]),
        testing.tiny_tokenizer(["a"]),
        sequence_length=WIDTH,
        batch_size=32,
        shuffle=shuffle,
        packed_length=WIDTH,
        counts=counts,
        only_row_index=True,
    )
    batches = [set(batch[0].numpy()) for batch in dataset]
    assert set.union(*batches) == set(range(512))
    in_order = [set(range(start, start + 32)) for start in range(0, 512, 32)]
    assert (batches == in_order) == (not shuffle)
    assert (counts.padding_fraction < 0.02) == shuffle
