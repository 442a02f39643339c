"""WordPiece in core TensorFlow ops, for a whole batch at once.

The word starts are matched together: every step follows one more character of
each. Most words end there. For the others, the longest match is computed at
each of their remaining characters at once, and the subwords are the hops from
match to match.
"""

import tensorflow as tf

from keras_bert_zoo.tokenization.wordpiece.engine import FIRST_ROOT
from keras_bert_zoo.tokenization.wordpiece.engine import INNER_ROOT
from keras_bert_zoo.tokenization.wordpiece.engine import Engine
from keras_bert_zoo.tokenization.wordpiece.engine import NormalizedTexts
from keras_bert_zoo.tokenization.wordpiece.engine import Normalizer
from keras_bert_zoo.tokenization.wordpiece.engine import Subwords
from keras_bert_zoo.tokenization.wordpiece.engine import WordPieceModel
from keras_bert_zoo.tokenization.wordpiece.longest_match import LongestMatch
from keras_bert_zoo.tokenization.wordpiece.longest_match import scatter
from keras_bert_zoo.tokenization.wordpiece.python_tokenizer import (
    PythonTokenizer,
)
from keras_bert_zoo.tokenization.wordpiece.token_finder import finders
from keras_bert_zoo.tokenization.wordpiece.trie import VocabularyTrie
from keras_bert_zoo.tokenization.wordpiece.trie import build_trie
from keras_bert_zoo.tokenization.wordpiece.unicode_tables import symbol_tables
from keras_bert_zoo.tokenization.wordpiece.vocabulary import MAX_WORD_LENGTH
from keras_bert_zoo.tokenization.wordpiece.vocabulary import Vocabulary


class GraphTokenizer(Engine):
    """Splits texts into subwords wherever a TensorFlow graph runs.

    Equal to `PythonTokenizer`, id for id and offset for offset. Its constants
    are part of the graph: no asset files, no custom ops.

    Args:
        vocabulary: Vocabulary.
        lowercase: bool. True for uncased models.
        strip_accents: bool or None. None follows `lowercase`.

    Raises:
        InputError: if the vocabulary has 2**24 tokens or more.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        lowercase: bool,
        strip_accents: bool | None = None,
    ):
        written, normalized = {}, {}
        if vocabulary.added:
            written, normalized = PythonTokenizer(
                vocabulary, lowercase, strip_accents
            ).added_spellings
        trie = build_trie(vocabulary, "".join(normalized).replace(" ", ""))
        tables = symbol_tables(
            lowercase,
            lowercase if strip_accents is None else strip_accents,
            trie.symbols,
        )
        find = (None, None)
        if vocabulary.added:
            find = finders(
                written, normalized, lambda one: trie.symbols[ord(one)]
            )
        super().__init__(
            WordPieceModel(
                Normalizer(tables, *find),
                GraphWordPiece(trie, vocabulary.unknown_id),
            )
        )


class GraphWordPiece(tf.Module):
    """Splits words into their longest subwords, from left to right.

    Args:
        trie: VocabularyTrie.
        unknown_id: int. Id of words that have no split.
    """

    def __init__(self, trie: VocabularyTrie, unknown_id: int):
        super().__init__()
        self._match = LongestMatch(trie)
        self._unknown_id = unknown_id

    def __call__(self, texts: NormalizedTexts) -> Subwords:
        """Splits words whose values are the trie's symbols."""
        starts, ends = texts.word_starts, texts.word_ends  # (W,)
        ids, lengths = self._match(texts.values, starts, FIRST_ROOT)
        is_begun = (lengths > 0) & (ends - starts <= MAX_WORD_LENGTH)
        is_broken = is_begun & tf.less(starts + lengths, ends)
        broken = tf.where(is_broken)[:, 0]  # (F,)
        inner, failed = self._inner_subwords(
            texts.values,
            tf.gather(starts + lengths, broken),
            tf.gather(ends, broken),
        )
        is_known = is_begun & _mask(
            tf.gather(broken, failed), tf.size(starts), inside=False
        )
        return _in_text_order(
            tf.size(texts.values),
            tf.concat([starts, inner.starts], 0),
            tf.concat(
                [tf.where(is_known, ids, self._unknown_id), inner.ids], 0
            ),
            tf.concat(
                [tf.where(is_known, starts + lengths, ends), inner.ends], 0
            ),
        )

    def _inner_subwords(self, values, starts, ends):
        """Splits the rest of words whose first subword is known.

        Args:
            values: int32 (M,). Symbols.
            starts: int32 (F,). Where the rest of each word starts.
            ends: int32 (F,). Where each word ends.

        Returns:
            Subwords, in no order, of the words that can be split; and the
            indices of the others, int64 in [0, F).
        """
        # One position more than the rest of each word has: its end.
        splits, positions = tf.raw_ops.RaggedRange(
            starts=starts, limits=ends + 1, deltas=1, Tsplits=tf.int32
        )
        ids, lengths = self._match(values, positions, INNER_ROOT)
        goals = splits[1:] - 1

        def hop(words, current, visited, owners, failed):
            current_lengths = tf.gather(lengths, current)
            is_stuck = tf.equal(current_lengths, 0)
            following = current + current_lengths
            goes_on = ~is_stuck & tf.less(following, tf.gather(goals, words))
            return (
                tf.boolean_mask(words, goes_on),
                tf.boolean_mask(following, goes_on),
                tf.concat([visited, current], 0),
                tf.concat([owners, words], 0),
                tf.concat([failed, tf.boolean_mask(words, is_stuck)], 0),
            )

        none = tf.zeros([0], tf.int32)
        words = tf.range(tf.size(starts))
        _, _, visited, owners, failed = tf.while_loop(
            lambda words, *_: tf.size(words) > 0,
            hop,
            (words, splits[:-1], none, none, none),
            shape_invariants=(tf.TensorSpec([None], tf.int32),) * 5,
        )
        is_split = _mask(failed, tf.size(starts), inside=False)
        visited = tf.boolean_mask(visited, tf.gather(is_split, owners))
        starts = tf.gather(positions, visited)
        ends = starts + tf.gather(lengths, visited)
        return Subwords(tf.gather(ids, visited), starts, ends), failed


def _in_text_order(num_characters, starts, ids, ends):
    # No two subwords start at one character, so a scatter sorts them.
    order = tf.range(tf.size(starts))
    table = scatter(starts, order, num_characters, default=-1)
    order = tf.boolean_mask(table, table >= 0)
    return Subwords(
        tf.gather(ids, order), tf.gather(starts, order), tf.gather(ends, order)
    )


def _mask(indices, size, inside):
    values = tf.fill(tf.shape(indices), inside)
    return scatter(indices, values, size, default=not inside)
