import pytest
import tensorflow as tf

from keras_bert_zoo.data import length_groups

LENGTHS = [5, 2, 9, 2, 7]


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
    assert grouped(length_groups.group_by_size, LENGTHS, size) == groups


@pytest.mark.parametrize(
    ("size", "groups"), [(2, [[1, 3], [0, 2]]), (5, [[1, 3, 0, 4, 2]]), (8, [])]
)
def test_what_is_dropped_is_at_the_end(size, groups):
    lengths = tf.constant(LENGTHS, tf.int64)
    found = length_groups.group_by_size(lengths, size, drop_remainder=True)
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
    assert grouped(length_groups.group_by_tokens, LENGTHS, budget) == groups


def test_shuffled_groups_are_the_same_groups():
    groups = tf.ragged.constant([[i, i + 100] for i in range(30)])
    shuffled = length_groups.shuffle_groups(groups, tf.constant([1, 2]))
    assert shuffled.to_list() != groups.to_list()
    assert sorted(shuffled.to_list()) == groups.to_list()


def test_padding_is_counted():
    groups = tf.ragged.constant([[1, 3], [0, 4], [2]])
    lengths = tf.constant(LENGTHS, tf.int64)
    padded = length_groups.num_padded_tokens(groups, lengths)
    assert int(padded) == 2 * 2 + 2 * 7 + 9
    padded = length_groups.num_padded_tokens(groups, lengths, (4, 9))
    assert int(padded) == 2 * 4 + 2 * 9 + 9
