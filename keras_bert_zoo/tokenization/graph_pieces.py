"""Longest-match-first spelling of words, for a whole batch at once.

The word starts are matched together: every step follows one more character of
each. Most words end there. For the others, the longest match is computed at
each of their remaining characters at once, and the pieces are the hops from
match to match.
"""

import dataclasses

import tensorflow as tf

from keras_bert_zoo.tokenization import piece_trie
from keras_bert_zoo.tokenization.graph_normalizer import NormalizedTexts
from keras_bert_zoo.tokenization.python_tokenizer import MAX_WORD_LENGTH

# Most walks end early: after so many steps, only the live ones go on.
_FIRST_STAGE = 4


@dataclasses.dataclass(frozen=True)
class Pieces:
    """The `P` pieces of a batch, in the order of the text.

    Attributes:
        ids: int32 (P,).
        starts: int32 (P,). First normalized character of each piece.
        ends: int32 (P,). One past its last normalized character.
    """

    ids: tf.Tensor
    starts: tf.Tensor
    ends: tf.Tensor


class GraphPieces(tf.Module):
    """Spells words with the pieces of a vocabulary.

    Args:
        trie: PieceTrie.
        unknown_id: int. Id of words that cannot be spelled.
    """

    def __init__(self, trie: piece_trie.PieceTrie, unknown_id: int):
        super().__init__()
        self._depth = trie.depth
        self._unknown_id = unknown_id
        with tf.init_scope(), tf.device("CPU:0"):
            self._bases = tf.constant(trie.bases)
            self._parents = tf.constant(trie.parents)
            self._matches = tf.constant(trie.matches)

    def __call__(self, texts: NormalizedTexts) -> Pieces:
        starts, ends = texts.word_starts, texts.word_ends  # (W,)
        ids, lengths = self._match(texts.values, starts, piece_trie.FIRST_ROOT)
        is_short = ends - starts <= MAX_WORD_LENGTH
        is_begun = is_short & (lengths > 0)
        is_whole = tf.equal(starts + lengths, ends)
        broken = tf.where(is_begun & ~is_whole)[:, 0]  # (F,)
        inner_starts = tf.gather(starts + lengths, broken)
        inner_ends = tf.gather(ends, broken)
        places, inner_ids, inner_lengths, is_spelled = self._inner_pieces(
            texts.values, inner_starts, inner_ends
        )
        failed = tf.boolean_mask(broken, ~is_spelled)
        is_known = tf.tensor_scatter_nd_update(
            is_begun, failed[:, None], tf.zeros_like(failed, tf.bool)
        )
        ids = tf.where(is_known, ids, self._unknown_id)
        lengths = tf.where(is_known, lengths, ends - starts)
        return _in_text_order(
            tf.size(texts.values),
            tf.concat([starts, places], 0),
            tf.concat([ids, inner_ids], 0),
            tf.concat([lengths, inner_lengths], 0),
        )

    def _match(self, values, places, root):
        """Returns id and length of the longest piece at each place.

        A walk that finds no way on stays where it is, and so stays for good.
        """
        states = tf.zeros_like(places) + root
        states, places, is_alive = self._walk(
            values, states, places, min(_FIRST_STAGE, self._depth)
        )
        if self._depth > _FIRST_STAGE:
            alive = tf.where(is_alive)  # (A, 1)
            far_states, _, _ = self._walk(
                values,
                tf.gather_nd(states, alive),
                tf.gather_nd(places, alive),
                self._depth - _FIRST_STAGE,
            )
            states = tf.tensor_scatter_nd_update(states, alive, far_states)
        matches = tf.gather(self._matches, states)
        bits = piece_trie.LENGTH_BITS
        return (
            tf.bitwise.right_shift(matches, bits),
            tf.bitwise.bitwise_and(matches, (1 << bits) - 1),
        )

    def _walk(self, values, states, places, num_steps):
        is_alive = tf.ones_like(states, tf.bool)
        for _ in range(num_steps):
            symbols = tf.gather(values, places)
            following = tf.bitwise.bitwise_xor(
                tf.gather(self._bases, states), symbols
            )
            is_alive = tf.equal(tf.gather(self._parents, following), states)
            states = tf.where(is_alive, following, states)
            places += tf.cast(is_alive, tf.int32)
        return states, places, is_alive

    def _inner_pieces(self, values, starts, ends):
        """Spells the rest of words whose first piece is known.

        Args:
            values: int32 (M,). Symbols.
            starts: int32 (F,). Where the rest of each word starts.
            ends: int32 (F,). Where each word ends.

        Returns:
            The place, id and length of each piece, of the words that can be
            spelled; and bool (F,), which words those are.
        """
        splits, places = tf.raw_ops.RaggedRange(
            starts=starts, limits=ends, deltas=1, Tsplits=tf.int32
        )
        ids, lengths = self._match(values, places, piece_trie.INNER_ROOT)
        owners = tf.repeat(tf.range(tf.size(starts)), splits[1:] - splits[:-1])
        word_ends = tf.gather(splits[1:], owners)
        # Where the piece at each place leads to; itself if nowhere.
        hops = tf.range(tf.size(places)) + lengths
        is_last = tf.equal(hops, word_ends)
        visited, stuck = self._follow(splits[:-1], hops, is_last, lengths)
        is_spelled = tf.tensor_scatter_nd_update(
            tf.ones_like(starts, tf.bool),
            tf.gather(owners, stuck)[:, None],
            tf.zeros_like(stuck, tf.bool),
        )
        kept = tf.boolean_mask(
            visited, tf.gather(is_spelled, tf.gather(owners, visited))
        )
        return (
            tf.gather(places, kept),
            tf.gather(ids, kept),
            tf.gather(lengths, kept),
            is_spelled,
        )

    def _follow(self, starts, hops, is_last, lengths):
        """Returns the places on the way from `starts`, and the dead ends."""

        def step(current, visited, stuck):
            is_stuck = tf.equal(tf.gather(lengths, current), 0)
            stuck = tf.concat([stuck, tf.boolean_mask(current, is_stuck)], 0)
            visited = tf.concat([visited, current], 0)
            goes_on = ~is_stuck & ~tf.gather(is_last, current)
            current = tf.gather(hops, tf.boolean_mask(current, goes_on))
            return current, visited, stuck

        flat = tf.TensorSpec([None], tf.int32)
        none = tf.zeros([0], tf.int32)
        _, visited, stuck = tf.while_loop(
            lambda current, visited, stuck: tf.size(current) > 0,
            step,
            (starts, none, none),
            shape_invariants=(flat, flat, flat),
        )
        return visited, stuck


def _in_text_order(num_characters, starts, ids, lengths):
    # No two pieces start at one character, so a scatter sorts them.
    packed = tf.stack([ids, lengths], 1)
    table = tf.scatter_nd(starts[:, None], packed, [num_characters, 2])
    starts = tf.where(table[:, 1] > 0)  # (P, 1)
    packed = tf.gather_nd(table, starts)
    starts = tf.cast(starts[:, 0], tf.int32)
    return Pieces(packed[:, 0], starts, starts + packed[:, 1])
