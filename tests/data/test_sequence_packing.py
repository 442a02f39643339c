"""Sequences packed together, and batches that exchange some for that."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo import data
from keras_bert_zoo import feature_names
from keras_bert_zoo import testing
from keras_bert_zoo.data import sequence_packing
from keras_bert_zoo.data.sequence_packing import in_order
from keras_bert_zoo.data.sequence_packing import pack_sequences
from keras_bert_zoo.errors import InputError
from task_heads.classification.head import ClassificationHead

WIDTH = 128
# As in a pipeline: its loops are slow where they are eager.
PACK = tf.function(sequence_packing.pack_with_exchange, reduce_retracing=True)


def cells(packed, lengths, batch):
    """Returns the set of (row, place) of each sequence of a batch."""
    parts = zip(
        packed.groups[batch].numpy(),
        packed.layout[feature_names.PACKED_INDEX][batch].numpy(),
        packed.layout[feature_names.PACKED_START][batch].numpy(),
        strict=True,
    )
    return {
        sequence: {(row, start + i) for i in range(lengths[sequence])}
        for sequence, row, start in parts
    }


@pytest.mark.parametrize("batch_size", [1, 4, 7, 40])
@pytest.mark.parametrize("packed_length", [1, 16, 1000])
@pytest.mark.parametrize("longest", [2, 30])
def test_each_sequence_has_positions_of_its_own(
    batch_size, packed_length, longest
):
    lengths = np.random.default_rng(0).integers(1, longest, 37)
    packed = pack_sequences(
        in_order(tf.constant(lengths), batch_size),
        tf.constant(lengths),
        packed_length,
    )
    num_cells = 0
    for batch in range(packed.groups.nrows()):
        found = cells(packed, lengths, batch)
        assert sorted(found) == list(
            range(batch * batch_size, min((batch + 1) * batch_size, 37))
        )
        taken = [cell for places in found.values() for cell in places]
        assert len(taken) == len(set(taken))
        rows = packed.layout[feature_names.PACKED_INDEX][batch].numpy()
        # Rising, so that parts of a batch hold whole rows.
        assert rows[0] == 0 and set(np.diff(rows)) <= {0, 1}
        num_cells += (rows[-1] + 1) * (1 + max(place for _, place in taken))
    assert num_cells == packed.num_cells


def test_a_batch_of_equal_sequences_has_no_padding():
    lengths = tf.fill([32], 16)
    packed = pack_sequences(in_order(lengths, 32), lengths, 128)
    assert packed.num_cells == 32 * 16
    assert packed.layout[feature_names.PACKED_INDEX][0][-1] == 3


def test_little_is_padding():
    # Like sentences of reviews, in tokens.
    drawn = np.random.default_rng(0).normal(25, 10, 64 * 32)
    lengths = tf.constant(np.clip(drawn, 4, 66).astype("int64"))
    packed = pack_sequences(in_order(lengths, 32), lengths, 128)
    share = 1 - int(tf.reduce_sum(lengths)) / int(packed.num_cells)
    assert 0 <= share < 0.02


def test_short_sequences_fill_up_beside_long_ones():
    # Rows can be full: 10 by one sequence, and 8 by two.
    pairs = [(128 - rest, rest) for rest in (28, 38, 48, 58)] * 2
    lengths = [128] * 10 + [length for pair in pairs for length in pair]
    groups = in_order(tf.constant(lengths), len(lengths))
    assert (
        pack_sequences(groups, tf.constant(lengths), 128).num_cells == 18 * 128
    )


def test_a_remainder_is_dropped():
    lengths = tf.ones([10], tf.int64)
    assert in_order(lengths, 4, drop_remainder=True).to_list() == [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
    ]
    assert in_order(lengths, 4).row_lengths().numpy().tolist() == [4, 4, 2]


def rows():
    texts = [" ".join("abc"[: 1 + i % 3] * (1 + i % 5)) for i in range(30)]
    return data.MemoryExamples({"text": texts, "label": ["x", "y"] * 15})


def dataset(**options):
    return data.build_dataset(
        rows(),
        ClassificationHead(["x", "y"]),
        testing.tiny_tokenizer(["a b c"]),
        sequence_length=20,
        batch_size=8,
        **options,
    )


def lengths_of(batches):
    return [
        tf.reduce_sum(inputs[feature_names.PADDING_MASK], axis=1).numpy()
        for inputs, _ in batches
    ]


@pytest.mark.slow
def test_batches_are_drawn_freely():
    """Texts of any length meet in a batch; each occurs once in a pass."""
    found = lengths_of(dataset(shuffle=True, packed_length=24))
    by_length = lengths_of(dataset(shuffle=True))
    assert [len(one) for one in found] == [8, 8, 8, 6]
    assert sorted(np.concatenate(found)) == sorted(np.concatenate(by_length))
    spreads = [[np.ptp(one) for one in each] for each in (found, by_length)]
    assert sum(spreads[0]) > 2 * sum(spreads[1])


def test_padding_is_counted():
    counts = data.InputCounts()
    num_cells = num_tokens = 0
    for inputs, _ in dataset(packed_length=24, counts=counts):
        mask = inputs[feature_names.PADDING_MASK].numpy()
        ends = inputs[feature_names.PACKED_START].numpy() + mask.sum(1)
        num_rows = inputs[feature_names.PACKED_INDEX].numpy().max() + 1
        num_cells += num_rows * ends.max()
        num_tokens += mask.sum()
    assert counts.num_padded_tokens == num_cells
    assert counts.num_tokens == num_tokens


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"packed_length": 0}, "packed_length"),
        (
            {"packed_length": 24, "bucket_lengths": (20,)},
            "packed_length=24 and bucket_lengths",
        ),
        (
            {"packed_length": 24, "tokens_per_batch": 64},
            "packed_length=24 and tokens_per_batch=64",
        ),
    ],
)
def test_refuses(options, message):
    with pytest.raises(InputError, match=message):
        dataset(**options)


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
    found = sequence_packing.exchanged(groups, lengths, WIDTH)
    assert found.row_lengths().numpy().tolist() == (
        groups.row_lengths().numpy().tolist()
    )
    assert sorted(found.flat_values.numpy()) == list(range(num_sequences))
    # Only with batches that stand near.
    moved = found.flat_values.numpy() // batch_size
    before = np.repeat(np.arange(groups.nrows()), groups.row_lengths())
    sets = sequence_packing.NUM_EXCHANGING
    np.testing.assert_array_equal(moved // sets, before // sets)


def padding(packed, lengths):
    return 1 - int(tf.reduce_sum(lengths)) / int(packed.num_cells)


def test_padding_becomes_little():
    lengths = drawn(2048)
    groups = in_order(lengths, 32)
    plain = padding(pack_sequences(groups, lengths, WIDTH), lengths)
    exchanged_rows = sequence_packing.pack_with_exchange(groups, lengths, WIDTH)
    assert plain > 0.03
    assert padding(exchanged_rows, lengths) < 0.015


@pytest.mark.parametrize("num_sequences", [1, 3, 40, 300])
@pytest.mark.parametrize("packed_length", [1, 20, 1000])
def test_it_never_gets_worse(num_sequences, packed_length):
    lengths = drawn(num_sequences, shortest=1)
    groups = in_order(lengths, 4)
    plain = pack_sequences(groups, lengths, packed_length)
    exchanged_rows = sequence_packing.pack_with_exchange(
        groups, lengths, packed_length
    )
    assert 0 < exchanged_rows.num_cells <= plain.num_cells


@pytest.mark.parametrize(
    "pack", [pack_sequences, sequence_packing.pack_with_exchange]
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
        data.MemoryExamples(
            {"text": ["a " * n for n in lengths], "label": ["x"] * 512}
        ),
        ClassificationHead(["x", "y"]),
        testing.tiny_tokenizer(["a"]),
        sequence_length=WIDTH,
        batch_size=32,
        shuffle=shuffle,
        packed_length=WIDTH,
        counts=counts,
        only_example_index=True,
    )
    batches = [set(batch[0].numpy()) for batch in dataset]
    assert set.union(*batches) == set(range(512))
    in_order = [set(range(start, start + 32)) for start in range(0, 512, 32)]
    assert (batches == in_order) == (not shuffle)
    assert (counts.padding_fraction < 0.02) == shuffle
