"""Moves the ends of tokens behind the combining marks that follow them.

A tokenizer that strips accents ends a token before them: of `e` and U+0301
it keeps the `e`. What is cut from a text by such ends would read otherwise
than the text does. Letters: `B` texts, `N` ends.
"""

import tensorflow as tf

from keras_bert_zoo.tokenization.wordpiece import unicode_tables


def with_trailing_marks(
    texts: tf.Tensor,
    rows: tf.Tensor,
    char_starts: tf.Tensor,
    byte_ends: tf.Tensor,
    char_ends: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Moves ends behind the nonspacing marks that follow them directly.

    Not past the next start: a tokenizer may keep a mark.

    Args:
        texts: string `(B,)`.
        rows: int `(N,)`, the text of each token or word, rising.
        char_starts: int32 `(N,)`, rising in a text.
        byte_ends, char_ends: int32 `(N,)`, exclusive.

    Returns:
        The same two.
    """
    is_ascii = tf.reduce_all(
        tf.strings.length(texts) == tf.strings.length(texts, "UTF8_CHAR")
    )
    return tf.cond(
        is_ascii,
        lambda: (byte_ends, char_ends),
        lambda: _moved(texts, rows, char_starts, char_ends),
    )


def _moved(texts, rows, char_starts, char_ends):
    # A space ends every run of marks, that of a text's last word too.
    row_splits, codes, byte_starts = tf.raw_ops.UnicodeDecodeWithOffsets(
        input=tf.strings.join([texts, " "]),
        input_encoding="UTF-8",
        errors="replace",
    )
    row_splits = tf.cast(row_splits, tf.int32)
    bounds = tf.constant(_bounds())
    # Inside of a range after an odd number of bounds.
    is_mark = tf.searchsorted(bounds, codes, side="right") % 2 == 1
    others = tf.cast(tf.where(~is_mark)[:, 0], tf.int32)
    first, limit = (
        tf.gather(splits, rows) for splits in (row_splits[:-1], row_splits[1:])
    )
    index = tf.minimum(first + char_ends, limit - 1)
    next_start = tf.concat([(first + char_starts)[1:], limit[-1:]], 0)
    is_last = tf.concat(
        [rows[1:] != rows[:-1], tf.ones_like(rows[-1:], bool)], 0
    )
    limit = tf.where(is_last, limit, tf.maximum(next_start, index))
    index = tf.minimum(tf.gather(others, tf.searchsorted(others, index)), limit)
    return (
        tf.cast(tf.gather(byte_starts, index), tf.int32),
        index - first,
    )


def _bounds() -> list[int]:
    """Returns firsts of ranges and the codes after their lasts, in turn."""
    ranges = unicode_tables.load().nonspacing_ranges
    return [code + index % 2 for index, code in enumerate(ranges)]
