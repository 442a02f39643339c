"""Long rows become windows that cover them, each token owned once."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo.tokenization.sliding_windows import full_windows
from keras_bert_zoo.tokenization.sliding_windows import overlapping_windows


def columns(windows):
    return [
        tensor.numpy().tolist()
        for tensor in (
            windows.starts,
            windows.ends,
            windows.owned_starts,
            windows.owned_ends,
        )
    ]


def test_by_hand():
    windows = overlapping_windows(tf.constant([6, 2, 0]), 5, 2)
    assert windows.num_windows.numpy().tolist() == [2, 1, 1]
    assert windows.rows.numpy().tolist() == [0, 0, 1, 2]
    assert columns(windows) == [
        [0, 2, 0, 0],
        [4, 6, 2, 0],
        [0, 3, 0, 0],
        [3, 6, 2, 0],
    ]


@pytest.mark.parametrize("overlap", [0, 3, 12, 50])
@pytest.mark.parametrize("capacity", [1, 2, 13])
def test_every_token_is_owned_once_by_a_window_that_holds_it(capacity, overlap):
    lengths = np.arange(60)
    windows = overlapping_windows(tf.constant(lengths), capacity, overlap)
    starts, ends, owned_starts, owned_ends = map(np.array, columns(windows))
    assert (ends - starts).max() <= capacity
    assert (starts <= owned_starts).all() and (owned_ends <= ends).all()
    for row, length in enumerate(lengths):
        mine = windows.rows.numpy() == row
        owned = [
            token
            for start, end in zip(owned_starts[mine], owned_ends[mine])
            for token in range(start, end)
        ]
        assert owned == list(range(length))


def test_neighbours_share_the_overlap():
    windows = overlapping_windows(tf.constant([1000]), 100, 25)
    starts, ends, *_ = map(np.array, columns(windows))
    assert (ends[:-1] - starts[1:] >= 25).all()
    assert len(set(ends - starts)) == 1


def test_capacities_may_differ_from_text_to_text():
    windows = overlapping_windows(tf.constant([9, 9]), tf.constant([3, 9]), 0)
    assert windows.num_windows.numpy().tolist() == [3, 1]


@pytest.mark.parametrize("smallest", [1, 3, 6])
def test_full_windows_leave_enough_for_the_last(smallest):
    windows = full_windows(tf.range(40), 13, smallest)
    starts, ends, owned_starts, owned_ends = map(np.array, columns(windows))
    assert (starts == owned_starts).all() and (ends == owned_ends).all()
    for length in range(40):
        mine = windows.rows.numpy() == length
        assert windows.num_windows[length] == max(-(-length // 13), 1)
        assert ends[mine][-1] == length and starts[mine][0] == 0
        assert (starts[mine][1:] == ends[mine][:-1]).all()
        sizes = (ends - starts)[mine]
        assert (sizes[:-2] == 13).all() and (sizes <= 13).all()
        if len(sizes) > 1:
            rest = length - 13 * (len(sizes) - 1)
            assert sizes[-1] == max(rest, smallest)
