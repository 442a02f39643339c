"""Special tokens, truncation and padding; ragged rows in fewer ops."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.tokenization import Template
from keras_bert_zoo.tokenization import pack
from keras_bert_zoo.tokenization import packing
from keras_bert_zoo.tokenization import pad

START = 1
SEPARATOR = 2
# BERT's and RoBERTa's.
ONE = Template(((START,), (SEPARATOR,)), {"segment_ids": (0, 0, 0)})
TWO = Template(
    ((START,), (SEPARATOR,), (SEPARATOR,)), {"segment_ids": (0, 0, 0, 1, 1)}
)
DOUBLED = Template(((START,), (SEPARATOR, SEPARATOR), (SEPARATOR,)))


def _pack(*segments, sequence_length, template=None):
    ragged = [
        tf.ragged.constant(rows, tf.int32, ragged_rank=1) for rows in segments
    ]
    template = template or (ONE, TWO)[len(segments) - 1]
    return pack(ragged, template, sequence_length)


def test_one_segment():
    packed = _pack([[7, 8], [], [9]], sequence_length=8)
    assert packed.token_ids.to_list() == [[1, 7, 8, 2], [1, 2], [1, 9, 2]]
    assert packed.inputs["segment_ids"].to_list() == [[0] * 4, [0] * 2, [0] * 3]
    assert packed.num_truncated.numpy().tolist() == [0, 0, 0]


def test_two_segments():
    packed = _pack([[7, 8]], [[9]], sequence_length=8)
    assert packed.token_ids.to_list() == [[1, 7, 8, 2, 9, 2]]
    assert packed.inputs["segment_ids"].to_list() == [[0, 0, 0, 0, 1, 1]]


def test_one_segment_is_cut_at_its_end():
    packed = _pack([[5, 6, 7, 8]], sequence_length=4)
    assert packed.token_ids.to_list() == [[1, 5, 6, 2]]
    assert packed.num_truncated.numpy().tolist() == [2]


# Lengths kept at each budget, as Hugging Face `tokenizers` 0.23 keeps them.
@pytest.mark.parametrize(
    ("lengths", "budget", "kept"),
    [
        ((5, 3), 7, (4, 3)),
        ((5, 3), 6, (3, 3)),
        ((5, 3), 5, (3, 2)),
        ((5, 3), 3, (2, 1)),
        ((3, 5), 5, (2, 3)),
        ((4, 4), 5, (2, 3)),
        ((4, 4), 1, (0, 1)),
        ((6, 1), 5, (4, 1)),
        ((1, 6), 4, (1, 3)),
        ((0, 5), 2, (0, 2)),
        ((5, 0), 2, (2, 0)),
        ((7, 8), 0, (0, 0)),
    ],
)
def test_the_longer_segment_is_cut_first(lengths, budget, kept):
    first = list(range(10, 10 + lengths[0]))
    second = list(range(30, 30 + lengths[1]))
    packed = _pack([first], [second], sequence_length=budget + 3)
    assert packed.token_ids.to_list() == [
        [1, *first[: kept[0]], 2, *second[: kept[1]], 2]
    ]
    assert packed.num_truncated.numpy().tolist() == [sum(lengths) - sum(kept)]


def test_every_pair_of_lengths_agrees_with_tokenizers():
    tokenizers = pytest.importorskip("tokenizers")
    words = {str(number): number for number in range(60)}
    reference = tokenizers.Tokenizer(
        tokenizers.models.WordLevel(words, unk_token="0")
    )
    reference.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    reference.post_processor = tokenizers.processors.TemplateProcessing(
        single="1 $A 2",
        pair="1 $A 2 $B:1 2:1",
        special_tokens=[("1", START), ("2", SEPARATOR)],
    )
    pairs = [
        (list(range(10, 10 + first)), list(range(30, 30 + second)))
        for first in range(9)
        for second in range(9)
    ]
    for sequence_length in range(3, 20):
        reference.enable_truncation(sequence_length)
        packed = _pack(
            *zip(*pairs, strict=True), sequence_length=sequence_length
        )
        expected = reference.encode_batch(
            [tuple(" ".join(map(str, ids)) for ids in pair) for pair in pairs]
        )
        assert packed.token_ids.to_list() == [row.ids for row in expected]
        assert packed.inputs["segment_ids"].to_list() == [
            row.type_ids for row in expected
        ]


def test_an_empty_batch():
    packed = _pack([], [], sequence_length=8)
    padded = pad({"token_ids": packed.token_ids}, padding_id=0)
    assert padded["token_ids"].shape == (0, 0)


def test_special_tokens_may_stand_together():
    packed = _pack(
        [[7, 8], [7]], [[9], []], sequence_length=6, template=DOUBLED
    )
    assert packed.token_ids.to_list() == [[1, 7, 2, 2, 9, 2], [1, 7, 2, 2, 2]]
    assert list(packed.inputs) == ["token_ids"]
    starts = [start.numpy().tolist() for start in packed.segment_starts]
    assert starts == [[1, 1], [4, 4]]
    assert packed.num_truncated.numpy().tolist() == [1, 0]


@pytest.mark.parametrize("template", [TWO, DOUBLED])
def test_tokens_of_segments_are_found_again(template):
    first, second = [[7, 8], [6], []], [[9], [4, 5, 3], []]
    packed = _pack(first, second, sequence_length=12, template=template)
    for segment, rows in enumerate((first, second)):
        indices = tf.ragged.constant(
            [list(range(len(row))) for row in rows], tf.int32, ragged_rank=1
        )
        found = packed.positions(indices, segment)
        assert (
            tf.gather(packed.token_ids, found, batch_dims=1).to_list() == rows
        )
        values = tf.ragged.constant(rows, tf.float32, ragged_rank=1)
        aligned = packed.aligned(values, segment).to_list()
        for row, ids, places in zip(
            aligned, packed.token_ids.to_list(), found.to_list(), strict=True
        ):
            assert row == [
                id if place in places else 0 for place, id in enumerate(ids)
            ]


def test_special_tokens_need_room():
    with pytest.raises(InputError, match="must hold 3 special tokens"):
        _pack([[5]], [[6]], sequence_length=2)


def test_padding_to_the_longest_sequence():
    packed = _pack([[7, 8], []], sequence_length=8)
    padded = pad(
        {
            "token_ids": packed.token_ids,
            "segment_ids": packed.inputs["segment_ids"] + 1,
            "label": tf.constant([3, 4]),
        },
        padding_id=9,
    )
    assert padded["token_ids"].numpy().tolist() == [[1, 7, 8, 2], [1, 2, 9, 9]]
    assert padded["segment_ids"].numpy().tolist() == [[1] * 4, [1, 1, 0, 0]]
    assert padded["padding_mask"].numpy().tolist() == [[1] * 4, [1, 1, 0, 0]]
    assert padded["padding_mask"].dtype == tf.int32
    assert padded["label"].numpy().tolist() == [3, 4]


def test_padding_to_a_static_length():
    @tf.function(input_signature=[tf.RaggedTensorSpec([None, None], tf.int32)])
    def padded(token_ids):
        dense = pad({"token_ids": token_ids}, padding_id=0, sequence_length=6)
        assert [tensor.shape[1] for tensor in dense.values()] == [6, 6]
        return dense

    rows = padded(tf.ragged.constant([[1, 2], [1, 5, 2]], tf.int32))
    assert rows["token_ids"].shape == (2, 6)
    assert rows["padding_mask"].numpy().sum() == 5


@pytest.mark.parametrize(
    ("extra_length", "expected"),
    [(None, [[4], [0]]), (3, [[4, 0, 0], [0, 0, 0]])],
)
def test_extra_features_have_a_length_of_their_own(extra_length, expected):
    rows = tf.ragged.constant([[1, 2], [1, 5, 2]], tf.int32)
    padded = pad(
        {"token_ids": rows, "places": tf.ragged.constant([[4], []])},
        padding_id=0,
        sequence_length=6,
        extra_length=extra_length,
        extra=["places"],
    )
    assert padded["token_ids"].shape == (2, 6)
    assert padded["places"].numpy().tolist() == expected


def test_dense_token_ids_are_refused():
    with pytest.raises(InputError, match="must be a ragged tensor. Received"):
        pad({"token_ids": tf.zeros([2, 3], tf.int32)}, padding_id=0)


def test_inside_a_tf_data_pipeline():
    def prepare(ids):
        packed = pack([ids, ids], TWO, sequence_length=6)
        return pad({"token_ids": packed.token_ids}, padding_id=0)

    ids = tf.ragged.constant([[5, 6, 7], [8]], tf.int32)
    batches = tf.data.Dataset.from_tensor_slices(ids).ragged_batch(2)
    (batch,) = batches.map(prepare)
    assert batch["token_ids"].numpy().tolist() == [
        [1, 5, 2, 5, 6, 2],
        [1, 8, 2, 8, 2, 0],
    ]


ROWS = [
    [[5, 6, 7], [], [8], [9, 10]],
    [[], [1], []],
    [[], []],
]
OTHERS = [
    [[1], [2, 3], [], [4]],
    [[2], [], []],
    [[], []],
]


def ragged(rows):
    return tf.ragged.constant(rows, tf.int32, ragged_rank=1)


@pytest.mark.parametrize("rows", ROWS, ids=str)
def test_each_value_has_its_row(rows):
    found = packing.row_ids(ragged(rows))
    assert found.dtype == tf.int64
    expected = ragged(rows).value_rowids()
    np.testing.assert_array_equal(found, expected)
    lengths = ragged(rows).row_lengths()
    found = packing.rows_of_lengths(lengths)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("rows", ROWS, ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_marked_values_are_those_of_a_mask(rows, seed):
    values = ragged(rows)
    flags = np.random.default_rng(seed).random(values.flat_values.shape) < 0.5
    found = packing.marked(values, tf.constant(flags, tf.bool))
    expected = tf.ragged.boolean_mask(values, values.with_flat_values(flags))
    assert found.dtype == expected.dtype
    assert found.row_splits.dtype == expected.row_splits.dtype
    assert found.to_list() == expected.to_list()


@pytest.mark.parametrize(("rows", "others"), zip(ROWS, OTHERS), ids=str)
def test_joined_rows_are_those_of_a_concatenation(rows, others):
    for one, other in ((rows, others), (others, rows)):
        found = packing.joined(ragged(one), ragged(other))
        expected = tf.concat([ragged(one), ragged(other)], axis=1)
        assert found.dtype == expected.dtype
        assert found.row_splits.dtype == expected.row_splits.dtype
        assert found.to_list() == expected.to_list()


def test_few_ops_are_added():
    @tf.function(autograph=False)
    def both(values, others, flags):
        return packing.marked(values, flags), packing.joined(values, others)

    spec = tf.RaggedTensorSpec((None, None), tf.int32)
    graph = both.get_concrete_function(
        spec, spec, tf.TensorSpec([None], tf.bool)
    ).graph
    assert len(graph.get_operations()) < 90
