"""Special tokens, truncation and padding."""

import pytest
import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.tokenization.packing import pack
from keras_bert_zoo.tokenization.packing import pad

START = 1
SEPARATOR = 2


def _pack(*segments, sequence_length):
    ragged = [
        tf.ragged.constant(rows, tf.int32, ragged_rank=1) for rows in segments
    ]
    return pack(
        ragged,
        sequence_length=sequence_length,
        start_id=START,
        separator_id=SEPARATOR,
    )


def test_one_segment():
    packed = _pack([[7, 8], [], [9]], sequence_length=8)
    assert packed.token_ids.to_list() == [[1, 7, 8, 2], [1, 2], [1, 9, 2]]
    assert packed.segment_ids.to_list() == [[0] * 4, [0] * 2, [0] * 3]
    assert packed.num_truncated.numpy().tolist() == [0, 0, 0]


def test_two_segments():
    packed = _pack([[7, 8]], [[9]], sequence_length=8)
    assert packed.token_ids.to_list() == [[1, 7, 8, 2, 9, 2]]
    assert packed.segment_ids.to_list() == [[0, 0, 0, 0, 1, 1]]


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
        assert packed.segment_ids.to_list() == [
            row.type_ids for row in expected
        ]


def test_an_empty_batch():
    packed = _pack([], [], sequence_length=8)
    padded = pad({"token_ids": packed.token_ids}, padding_id=0)
    assert padded["token_ids"].shape == (0, 0)


@pytest.mark.parametrize("count", [0, 3])
def test_other_numbers_of_segments_are_refused(count):
    with pytest.raises(InputError, match=f"one or two segments.*{count}"):
        _pack(*[[[5]]] * count, sequence_length=8)


def test_special_tokens_need_room():
    with pytest.raises(InputError, match="must hold 3 special tokens"):
        _pack([[5]], [[6]], sequence_length=2)


def test_padding_to_the_longest_row():
    packed = _pack([[7, 8], []], sequence_length=8)
    padded = pad(
        {
            "token_ids": packed.token_ids,
            "segment_ids": packed.segment_ids + 1,
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
    ("further_length", "expected"),
    [(None, [[4], [0]]), (3, [[4, 0, 0], [0, 0, 0]])],
)
def test_further_features_have_a_length_of_their_own(further_length, expected):
    rows = tf.ragged.constant([[1, 2], [1, 5, 2]], tf.int32)
    padded = pad(
        {"token_ids": rows, "places": tf.ragged.constant([[4], []])},
        padding_id=0,
        sequence_length=6,
        further_length=further_length,
    )
    assert padded["token_ids"].shape == (2, 6)
    assert padded["places"].numpy().tolist() == expected


def test_dense_token_ids_are_refused():
    with pytest.raises(InputError, match="must be a ragged tensor. Received"):
        pad({"token_ids": tf.zeros([2, 3], tf.int32)}, padding_id=0)


def test_inside_a_tf_data_pipeline():
    def prepare(ids):
        packed = pack(
            [ids, ids],
            sequence_length=6,
            start_id=START,
            separator_id=SEPARATOR,
        )
        return pad({"token_ids": packed.token_ids}, padding_id=0)

    ids = tf.ragged.constant([[5, 6, 7], [8]], tf.int32)
    batches = tf.data.Dataset.from_tensor_slices(ids).ragged_batch(2)
    (batch,) = batches.map(prepare)
    assert batch["token_ids"].numpy().tolist() == [
        [1, 5, 2, 5, 6, 2],
        [1, 8, 2, 8, 2, 0],
    ]
