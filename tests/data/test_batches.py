"""Batches of like length, and those padded to one of a few bucket lengths."""

import random

import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo.data import InputCounts
from keras_bert_zoo.data import MemoryExamples
from keras_bert_zoo.data import build_dataset
from keras_bert_zoo.data import default_bucket_lengths
from keras_bert_zoo.data.batches import checked_bucket_lengths
from keras_bert_zoo.data.batches import group_by_size
from keras_bert_zoo.data.batches import group_by_tokens
from keras_bert_zoo.data.batches import num_padded_tokens
from keras_bert_zoo.data.batches import shuffle_groups
from keras_bert_zoo.errors import InputError
from task_heads.classification.head import ClassificationHead
from task_heads.multi_task.head import MultiTaskHead

LENGTHS = [5, 2, 9, 2, 7]


def batches(head, tokenizer, count=99, **options):
    draw = random.Random(0)
    texts = [" ".join("b" * draw.randint(1, 20)) for _ in range(count)]
    rows = MemoryExamples({"text": texts, "label": list(range(count))})
    dataset = build_dataset(
        rows, head, tokenizer, sequence_length=32, batch_size=8, **options
    )
    return list(dataset.as_numpy_iterator())


@pytest.mark.parametrize("bucket_lengths", [(4, 8, 32), (32,)])
def test_bucket_lengths_make_shapes_few(make_head, tokenizer, bucket_lengths):
    head = make_head(weighted=True, per_token=True)
    found = batches(
        head,
        tokenizer,
        drop_remainder=True,
        shuffle=True,
        bucket_lengths=bucket_lengths,
    )
    shapes = {inputs["token_ids"].shape for inputs, _, _ in found}
    assert shapes == {(8, length) for length in bucket_lengths}
    for inputs, labels, weights in found:
        shape = inputs["token_ids"].shape
        others = (inputs["segment_ids"], inputs["padding_mask"], labels)
        assert {tensor.shape for tensor in others} == {shape}
        assert weights.shape == (8,)


def test_nothing_else_changes(make_head, tokenizer):
    head = make_head(per_token=True)
    plain = batches(head, tokenizer)
    padded = batches(head, tokenizer, bucket_lengths=(4, 8, 32))
    for (inputs, labels), (wide, wide_labels) in zip(
        plain, padded, strict=True
    ):
        longest = labels.shape[1]
        assert wide_labels.shape[1] == min(
            w for w in (4, 8, 32) if w >= longest
        )
        assert (wide["token_ids"][:, longest:] == 99).all()
        assert not wide["padding_mask"][:, longest:].any()
        np.testing.assert_array_equal(wide_labels[:, :longest], labels)
        for name, values in inputs.items():
            np.testing.assert_array_equal(wide[name][:, :longest], values)


def test_padding_to_widths_is_counted(head, tokenizer):
    counts = InputCounts()
    found = batches(
        head,
        tokenizer,
        count=20,
        bucket_lengths=(16, 32),
        counts=counts,
        drop_remainder=True,
    )
    masks = [inputs["padding_mask"] for inputs, _ in found]
    assert len(masks) == 2
    assert counts.num_tokens == sum(mask.sum() for mask in masks)
    assert counts.num_padded_tokens == sum(mask.size for mask in masks)


def test_labels_that_find_no_room_are_not_cut(make_head, tokenizer):
    class Cramped(make_head):
        def extra_length(self, sequence_length):
            return sequence_length // 2

    with pytest.raises(tf.errors.InvalidArgumentError, match="extra_length"):
        batches(Cramped(per_token=True), tokenizer, bucket_lengths=(8, 32))


@pytest.mark.parametrize("length", [8, 32, 100, 128, 512])
def test_default_widths_rise_to_the_longest_sequence(length):
    bucket_lengths = default_bucket_lengths(length)
    assert checked_bucket_lengths(bucket_lengths, length) == bucket_lengths
    assert bucket_lengths[0] == min(length, 32)
    assert all(
        wide <= 2 * length
        for length, wide in zip(bucket_lengths, bucket_lengths[1:])
    )


@pytest.mark.parametrize(
    ("bucket_lengths", "pattern"),
    [
        ((32, 16), "must rise to `sequence_length`.*bucket_lengths=.32, 16."),
        ((16, 16, 32), "must rise to `sequence_length`"),
        ((8, 16), "sequence_length=32. Sort them, and end with 32"),
        ((), "must rise to `sequence_length`"),
        ((0, 32), "`bucket_lengths` must be a whole number, at least 1"),
    ],
)
def test_bucket_lengths_that_hold_not_all_are_refused(
    head, tokenizer, bucket_lengths, pattern
):
    with pytest.raises(InputError, match=pattern):
        batches(head, tokenizer, bucket_lengths=bucket_lengths)


def grouped(function, lengths, size):
    return function(tf.constant(lengths, tf.int64), size).to_list()


@pytest.mark.parametrize(
    ("size", "groups"),
    [
        (2, [[1, 3], [0, 4], [2]]),
        (5, [[1, 3, 0, 4, 2]]),
        (8, [[1, 3, 0, 4, 2]]),
        (1, [[1], [3], [0], [4], [2]]),
    ],
)
def test_batches_of_one_size(size, groups):
    assert grouped(group_by_size, LENGTHS, size) == groups


@pytest.mark.parametrize(
    ("size", "groups"), [(2, [[1, 3], [0, 2]]), (5, [[1, 3, 0, 4, 2]]), (8, [])]
)
def test_what_is_dropped_is_at_the_end(size, groups):
    lengths = tf.constant(LENGTHS, tf.int64)
    found = group_by_size(lengths, size, drop_remainder=True)
    assert found.to_list() == groups


@pytest.mark.parametrize(
    ("budget", "groups"),
    [
        (10, [[1, 3], [0], [4], [2]]),
        (14, [[1, 3], [0, 4], [2]]),
        (15, [[1, 3, 0], [4], [2]]),
        (18, [[1, 3, 0], [4, 2]]),
        (45, [[1, 3, 0, 4, 2]]),
        (4, [[1, 3], [0], [4], [2]]),
    ],
)
def test_batches_within_a_budget(budget, groups):
    assert grouped(group_by_tokens, LENGTHS, budget) == groups


def test_shuffled_groups_are_the_same_groups():
    groups = tf.ragged.constant([[i, i + 100] for i in range(30)])
    shuffled = shuffle_groups(groups, tf.constant([1, 2]))
    assert shuffled.to_list() != groups.to_list()
    assert sorted(shuffled.to_list()) == groups.to_list()


def test_padding_is_counted():
    groups = tf.ragged.constant([[1, 3], [0, 4], [2]])
    lengths = tf.constant(LENGTHS, tf.int64)
    padded = num_padded_tokens(groups, lengths)
    assert int(padded) == 2 * 2 + 2 * 7 + 9
    padded = num_padded_tokens(groups, lengths, (4, 9))
    assert int(padded) == 2 * 4 + 2 * 9 + 9


def test_like_lengths_are_found_within_pools():
    lengths = tf.constant([9, 1, 8, 2, 7, 3, 6, 4, 5], tf.int64)
    groups = group_by_size(lengths, 2, pool_size=4)
    found = [tf.gather(lengths, group).numpy().tolist() for group in groups]
    assert found == [[1, 2], [8, 9], [3, 4], [6, 7], [5]]
    whole = group_by_size(lengths, 2, pool_size=100)
    assert whole.to_list() == group_by_size(lengths, 2).to_list()


def test_heads_can_have_lengths_mixed(head, tokenizer):
    def spread(mixes_lengths):
        head.mixes_lengths = mixes_lengths
        found = batches(head, tokenizer, count=640, shuffle=True)
        lengths = [inputs["padding_mask"].sum(1) for inputs, _ in found]
        return np.mean([np.ptp(one) for one in lengths])

    # Of 20 lengths, a batch has an eighth or fewer.
    assert 1.5 < spread(True) < 5
    assert spread(False) < 1


def test_a_score_is_learned_from_mixed_lengths():
    assert ClassificationHead(kind="regression").mixes_lengths
    assert not ClassificationHead(["a", "b"]).mixes_lengths
    assert MultiTaskHead(
        {
            "score": ClassificationHead(kind="regression"),
            "kind": ClassificationHead(["a", "b"]),
        }
    ).mixes_lengths
