"""Finds added tokens in a whole batch at once, in core TensorFlow ops."""

from collections.abc import Callable
from collections.abc import Mapping

import tensorflow as tf

from keras_bert_zoo.tokenization.wordpiece.engine import FIRST_ROOT
from keras_bert_zoo.tokenization.wordpiece.engine import SPACE_VALUE
from keras_bert_zoo.tokenization.wordpiece.engine import Matches
from keras_bert_zoo.tokenization.wordpiece.longest_match import LongestMatch
from keras_bert_zoo.tokenization.wordpiece.trie import trie_of


def finders(
    written: Mapping[str, str],
    normalized: Mapping[str, str],
    value_of: Callable[[str], int],
) -> tuple["TokenFinder | None", "TokenFinder | None"]:
    """Returns what finds added tokens, in texts as they are and normalized.

    Args:
        written, normalized: dicts from a spelling to the mark of its token.
        value_of: function from a character of normalized texts to the int
            that stands for it there.
    """

    def value_or_space(character):
        return SPACE_VALUE if character == " " else value_of(character)

    return (
        TokenFinder(written, ord, value_of) if written else None,
        TokenFinder(normalized, value_or_space, value_of)
        if normalized
        else None,
    )


class TokenFinder(tf.Module):
    """Finds texts in rows of characters: the first and longest, no overlaps.

    Args:
        texts: dict from a text to the mark that stands for what was found.
        value_of: function from a character to the int that stands for it.
        mark_of: the same, for a mark.
    """

    def __init__(
        self,
        texts: Mapping[str, str],
        value_of: Callable[[str], int],
        mark_of: Callable[[str], int],
    ):
        super().__init__()
        marks = [mark_of(mark) for mark in texts.values()]
        trie = trie_of(
            [(FIRST_ROOT, text, row) for row, text in enumerate(texts)]
        )
        by_value = sorted(
            (value_of(chr(code)), symbol)
            for code, symbol in trie.symbols.items()
        )
        self._match = LongestMatch(trie)
        with tf.init_scope(), tf.device("CPU:0"):
            self._marks = tf.constant(marks, tf.int32)
            self._values = tf.constant([v for v, _ in by_value], tf.int32)
            self._symbols = tf.constant([s for _, s in by_value], tf.int32)

    def __call__(self, values: tf.Tensor, row_splits: tf.Tensor) -> Matches:
        """Returns what was found in the rows, from first to last.

        Args:
            values: int32 (N,). Characters of `B` rows.
            row_splits: int32 (B + 1,). Each row ends with a character that
                is no part of its text.
        """
        known = tf.searchsorted(self._values, values)
        known = tf.minimum(known, tf.size(self._values) - 1)
        is_known = tf.equal(tf.gather(self._values, known), values)
        symbols = tf.where(is_known, tf.gather(self._symbols, known), 0)
        ends = row_splits[1:] - 1
        symbols = tf.tensor_scatter_nd_update(
            symbols, ends[:, tf.newaxis], tf.zeros_like(ends)
        )
        positions = tf.range(tf.size(values))
        rows, lengths = self._match(symbols, positions, FIRST_ROOT)
        starts = tf.cast(tf.where(lengths > 0)[:, 0], tf.int32)  # (C,)
        ends = starts + tf.gather(lengths, starts)
        marks = tf.gather(self._marks, tf.gather(rows, starts))
        kept = _without_overlaps(starts, ends)
        return Matches(*(tf.gather(one, kept) for one in (starts, ends, marks)))


def _without_overlaps(starts, ends):
    """Returns the indices of spans, each the first after the one before it."""
    number = tf.size(starts)
    # The first span after each; the last leads behind the end, as does that.
    starts = tf.concat([starts, [starts.dtype.max]], 0)
    following = tf.concat([tf.searchsorted(starts, ends), [number]], 0)
    is_kept = tf.one_hot(0, number + 1, True, False, dtype=tf.bool)

    def reach(is_kept, following, _):
        # What lies 1, 2, 4, ... spans behind those that are kept.
        more = tf.boolean_mask(following, is_kept)
        is_reached = tf.scatter_nd(
            more[:, tf.newaxis], tf.ones_like(more), [number + 1]
        )
        return (
            is_kept | (is_reached > 0),
            tf.gather(following, following),
            following[0] < number,
        )

    is_kept, _, _ = tf.while_loop(
        lambda _, __, goes_on: goes_on,
        reach,
        (is_kept, following, number > 1),
        shape_invariants=(
            tf.TensorSpec([None], tf.bool),
            tf.TensorSpec([None], tf.int32),
            tf.TensorSpec([], tf.bool),
        ),
    )
    return tf.where(is_kept[:-1])[:, 0]
