"""Words in rows of tokens, found in graph ops.

The tokenizer knows where words begin; files of words say so themselves.

Letters: `B` texts, `T` tokens of all of them, `W` words of a text.
"""

import dataclasses

import tensorflow as tf

from keras_bert_zoo.tokenization import Tokenizer
from keras_bert_zoo.tokenization import TokenSpans
from keras_bert_zoo.tokenization.ragged_rows import row_ids
from keras_bert_zoo.tokenization.trailing_marks import with_trailing_marks


@dataclasses.dataclass(frozen=True)
class Words:
    """The words of `B` texts, all ragged `(B, W)`.

    Attributes:
        first_tokens: int64. Place of a word's first token in its text, -1
            for a word without tokens, such as a lone format character.
        byte_starts: int32, of the first token; of the word as it was given,
            where it has no tokens.
        byte_ends: int32, exclusive; after combining marks.
        char_starts: int32.
        char_ends: int32, exclusive.
    """

    first_tokens: tf.RaggedTensor
    byte_starts: tf.RaggedTensor
    byte_ends: tf.RaggedTensor
    char_starts: tf.RaggedTensor
    char_ends: tf.RaggedTensor


def find_words(
    texts: tf.Tensor,
    spans: TokenSpans,
    tokenizer: Tokenizer,
    word_starts: tf.RaggedTensor | None = None,
    edges: tf.Tensor | None = None,
) -> Words:
    """Finds the words that tokens belong to.

    Args:
        texts: string `(B,)`.
        spans: their tokens.
        tokenizer: what made them.
        word_starts: int32 ragged `(B, W)`, the bytes at which the words
            begin, one space between two, or no words for texts without given
            ones.
        edges: bool `(T,)`, tokens that begin a word whatever they are.
    """
    rows = row_ids(spans.ids)
    begins = tokenizer.word_starts(texts, spans)
    if edges is not None:
        begins |= edges
    if word_starts is not None:
        is_given = word_starts.row_lengths() > 0  # (B,)
        begins &= ~tf.gather(is_given, rows)
    found = tf.RaggedTensor.from_value_rowids(
        tf.boolean_mask(spans.byte_starts.flat_values, begins),
        tf.boolean_mask(rows, begins),
        spans.ids.nrows(),
        validate=False,
    )
    if word_starts is not None:
        found = _either(word_starts, found)
    return _words(texts, spans, rows, found)


def _either(given, found):
    """Returns rows of one or the other, ragged: of each, one has no values."""
    splits = given.row_splits + found.row_splits
    places = [
        tf.range(tf.size(one.values, tf.int64))
        + tf.gather(other.row_splits, row_ids(one))
        for one, other in ((given, found), (found, given))
    ]
    return tf.RaggedTensor.from_row_splits(
        # A row begins where both of its parts do.
        tf.dynamic_stitch(
            [tf.cast(each, tf.int32) for each in places],
            [given.values, found.values],
        ),
        splits,
        validate=False,
    )


def word_keys(rows, starts) -> tf.Tensor:
    """Returns int64 keys that rise with the row and then the byte."""
    return tf.cast(rows, tf.int64) * 2**32 + tf.cast(starts, tf.int64)


def _words(texts, spans, rows, word_starts) -> Words:
    rows_of_words = row_ids(word_starts)
    keys = word_keys(rows_of_words, word_starts.flat_values)
    token_keys = word_keys(rows, spans.byte_starts.flat_values)
    word = tf.searchsorted(keys, token_keys, side="right") - 1  # (T,)
    numbers = tf.range(tf.size(keys))
    first = tf.searchsorted(word, numbers)  # (W of all texts,)
    last = tf.searchsorted(word, numbers, side="right") - 1
    exists = last >= first

    lost = tf.where(~exists)  # (words without tokens, 1)
    as_given = _places_as_given(texts, word_starts, rows_of_words, lost[:, 0])

    def of(tensor, places, given):
        # Tokens may be fewer than words, none at all in the extreme.
        values = tf.concat([tensor.flat_values, [0]], 0)
        places = tf.where(exists, places, tf.size(values) - 1)
        values = tf.gather(values, places)
        return word_starts.with_flat_values(
            tf.tensor_scatter_nd_update(values, lost, given)
        )

    text_starts = tf.gather(spans.ids.row_starts(), rows_of_words)
    place = tf.cast(first, tf.int64) - text_starts
    byte_starts, byte_ends, char_starts, char_ends = as_given
    char_starts = of(spans.char_starts, first, char_starts)
    byte_ends, char_ends = with_trailing_marks(
        texts,
        rows_of_words,
        char_starts.flat_values,
        of(spans.byte_ends, last, byte_ends).flat_values,
        of(spans.char_ends, last, char_ends).flat_values,
    )
    return Words(
        first_tokens=word_starts.with_flat_values(
            tf.where(exists, place, -tf.ones_like(place))
        ),
        byte_starts=of(spans.byte_starts, first, byte_starts),
        byte_ends=word_starts.with_flat_values(byte_ends),
        char_starts=char_starts,
        char_ends=word_starts.with_flat_values(char_ends),
    )


def _places_as_given(texts, word_starts, rows, words):
    """Returns starts and ends of words, in bytes, then in characters."""
    own_text = tf.gather(texts, tf.gather(rows, words))
    starts = tf.gather(word_starts.flat_values, words)
    # A space stands before the next word; the last goes on to the end.
    after = tf.concat([word_starts.flat_values, [0]], 0)
    is_last = tf.gather(word_starts.row_limits(), tf.gather(rows, words)) == (
        words + 1
    )
    ends = tf.where(
        is_last, tf.strings.length(own_text), tf.gather(after, words + 1) - 1
    )
    zeros = tf.zeros_like(starts)
    chars = (
        tf.strings.length(tf.strings.substr(own_text, zeros, end), "UTF8_CHAR")
        for end in (starts, ends)
    )
    return starts, ends, *chars
