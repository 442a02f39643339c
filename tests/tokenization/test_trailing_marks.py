"""Ends move behind combining marks, and behind nothing else."""

import pytest
import tensorflow as tf

from keras_bert_zoo.tokenization.trailing_marks import with_trailing_marks

CASES = {
    "a mark": ("cafe\u0301 b", 4, 5),
    "at the end": ("cafe\u0301", 4, 5),
    "two marks": ("e\u0323\u0302x", 1, 3),
    "a selector": ("❤\ufe0f!", 1, 2),
    "none follows": ("cafés", 4, 4),
    "inside": ("e\u0301\u0301", 2, 3),
    "a space": ("e \u0301", 1, 1),
    "no mark": ("e\u200b\u0301", 1, 1),
    "ascii": ("cafe", 2, 2),
    "a virama": ("हिन्दी", 3, 4),
    "four bytes": ("\U0001d5d4\U0001e8d0 x", 1, 2),
}


def moved(texts, rows, ends, starts=None):
    byte_ends = [
        len(texts[row][:end].encode())
        for row, end in zip(rows, ends, strict=True)
    ]
    found = with_trailing_marks(
        tf.constant(texts, tf.string),
        tf.constant(rows, tf.int64),
        tf.constant(starts or [0] * len(rows), tf.int32),
        tf.constant(byte_ends, tf.int32),
        tf.constant(ends, tf.int32),
    )
    return [values.numpy().tolist() for values in found]


@pytest.mark.parametrize("name", CASES)
def test_an_end_moves_behind_marks(name):
    text, end, moved_end = CASES[name]
    assert moved([text], [0], [end]) == [
        [len(text[:moved_end].encode())],
        [moved_end],
    ]


def test_marks_of_the_next_text_are_not_taken():
    texts = ["e", "\u0301e\u0301", "", "e\u0301"]
    starts = [0, 0, 1, 0, 0]
    assert moved(texts, [0, 1, 1, 2, 3], [1, 0, 2, 0, 1], starts) == [
        [1, 2, 5, 0, 3],
        [1, 1, 3, 0, 2],
    ]


def test_a_mark_that_begins_a_token_is_not_taken():
    texts = ["#\ufe0f\u20e3 é\u0301\u0301", "e\u0301"]
    starts = [0, 1, 4, 6, 0]
    assert moved(texts, [0, 0, 0, 0, 1], [1, 3, 5, 7, 1], starts)[1] == [
        1,
        3,
        6,
        7,
        2,
    ]


def test_there_may_be_no_text():
    assert moved([], [], []) == [[], []]


def test_bytes_that_are_no_text_do_no_harm():
    found = with_trailing_marks(
        tf.constant([b"\xff\xffe\xcc\x81"]),
        tf.constant([0, 0]),
        tf.constant([2, 5]),
        tf.constant([3, 9]),
        tf.constant([3, 9]),
    )
    assert [values.numpy().tolist() for values in found] == [[5, 5], [4, 4]]
