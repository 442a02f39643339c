"""What TensorFlow does with ragged tensors, in fewer ops."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo.tokenization import ragged_rows

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
    found = ragged_rows.row_ids(ragged(rows))
    assert found.dtype == tf.int64
    expected = ragged(rows).value_rowids()
    np.testing.assert_array_equal(found, expected)
    lengths = ragged(rows).row_lengths()
    found = ragged_rows.rows_of_lengths(lengths)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("rows", ROWS, ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_marked_values_are_those_of_a_mask(rows, seed):
    values = ragged(rows)
    flags = np.random.default_rng(seed).random(values.flat_values.shape) < 0.5
    found = ragged_rows.marked(values, tf.constant(flags, tf.bool))
    expected = tf.ragged.boolean_mask(values, values.with_flat_values(flags))
    assert found.dtype == expected.dtype
    assert found.row_splits.dtype == expected.row_splits.dtype
    assert found.to_list() == expected.to_list()


@pytest.mark.parametrize(("rows", "others"), zip(ROWS, OTHERS), ids=str)
def test_joined_rows_are_those_of_a_concatenation(rows, others):
    for one, other in ((rows, others), (others, rows)):
        found = ragged_rows.joined(ragged(one), ragged(other))
        expected = tf.concat([ragged(one), ragged(other)], axis=1)
        assert found.dtype == expected.dtype
        assert found.row_splits.dtype == expected.row_splits.dtype
        assert found.to_list() == expected.to_list()


def test_few_ops_are_added():
    @tf.function(autograph=False)
    def both(values, others, flags):
        return ragged_rows.marked(values, flags), ragged_rows.joined(
            values, others
        )

    spec = tf.RaggedTensorSpec((None, None), tf.int32)
    graph = both.get_concrete_function(
        spec, spec, tf.TensorSpec([None], tf.bool)
    ).graph
    assert len(graph.get_operations()) < 90
