"""Which tokens begin words, in graph ops.

A word stands between spaces, without the punctuation at its ends: each mark
there, and each ideograph, is a word of its own. Letters: `B` texts, `T`
tokens of all of them.
"""

import tensorflow as tf

from keras_bert_zoo.tokenization.wordpiece import unicode_tables

# What a token is to the word that it belongs to.
LETTERS, CONTINUATION, MARK, IDEOGRAPH = range(4)


def kinds_of_texts(texts, rows, starts, ends) -> tf.Tensor:
    """Returns what tokens are, `(T,)`, by the first character of each.

    Args:
        texts: string `(B,)`.
        rows: int `(T,)`, the text of each token.
        starts, ends: int32 `(T,)`, its bytes.
    """
    raw = tf.strings.substr(tf.gather(texts, rows), starts, ends - starts)
    letters = tf.strings.unicode_decode(raw, "UTF-8")
    codes = tf.gather(letters.flat_values, letters.row_starts())
    ranges = unicode_tables.load().ranges
    return tf.where(
        _within(codes, ranges["ideograph"]),
        IDEOGRAPH,
        tf.where(_within(codes, ranges["punctuation"]), MARK, LETTERS),
    )


def word_starts(kinds, rows, starts, ends) -> tf.Tensor:
    """Returns bool `(T,)`: the tokens at which words begin.

    Args:
        kinds: int32 `(T,)`, what each token is.
        rows: int `(T,)`, the text of each token, rising.
        starts, ends: int32 `(T,)`, its bytes.
    """
    no_token = tf.zeros([1], tf.bool)
    touches = tf.concat(
        [no_token, (starts[1:] == ends[:-1]) & (rows[1:] == rows[:-1])], 0
    )[: tf.size(starts)]
    # Tokens that touch make a run; marks at its ends stand apart.
    run = tf.cumsum(tf.cast(~touches, tf.int32)) - 1  # (T,)
    is_mark = kinds == MARK
    inner = tf.cast(~is_mark, tf.int32)
    passed = tf.cumsum(inner)  # inner tokens up to this one
    of_run = tf.math.segment_sum(inner, run)
    passed_in_run = passed - tf.gather(tf.cumsum(of_run, exclusive=True), run)
    at_end = (passed_in_run == 0) | (passed_in_run == tf.gather(of_run, run))
    apart = (is_mark & at_end) | (kinds == IDEOGRAPH)
    after_apart = tf.concat([no_token, apart[:-1]], 0)[: tf.size(starts)]
    return (kinds != CONTINUATION) & (~touches | apart | after_apart)


def _within(codes, ranges: list[int]):
    """Returns bool: codes in the ranges `first, last, first, last, ...`."""
    edges = [code + index % 2 for index, code in enumerate(ranges)]
    return tf.searchsorted(edges, codes, side="right") % 2 == 1
