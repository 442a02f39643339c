"""Masking tokens, to be predicted, in stateless graph ops.

Letters: `R` sequences, `T` tokens of all of them, `W` words, `P` masked tokens
of a sequence, `V` tokens of the vocabulary.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_bert_zoo.tokenization import Tokenizer
from keras_bert_zoo.tokenization.packing import joined
from keras_bert_zoo.tokenization.packing import marked
from keras_bert_zoo.tokenization.packing import row_ids

# Of the masked tokens, so many become the mask token, and so many a random one;
# the others stay as they are.
MASK_FRACTION, RANDOM_FRACTION = 0.8, 0.1

# Lengths of spans in words: geometric, cut off at the longest.
SPAN_END = 0.2
LONGEST_SPAN = 10

# How often the words that still fit are looked for. Each time at least one is
# found or all are too long; four leave less than a token of a sequence.
_ROUNDS = 4


class MaskedTokens(NamedTuple):
    """Sequences with masked tokens.

    Attributes:
        token_ids: int32 ragged `(R, None)`, what the encoder reads.
        positions: int32 ragged `(R, P)` of the masked tokens, rising from 0.
        originals: int32 ragged `(R, P)`, the tokens that stood there.
    """

    token_ids: tf.RaggedTensor
    positions: tf.RaggedTensor
    originals: tf.RaggedTensor

    def or_nothing(self) -> "MaskedTokens":
        """Returns the same, where a sequence with none has position -1.

        Such a one is to weigh nothing: where a batch asks for nothing at all,
        the means of its losses are NaN.
        """
        is_empty = self.positions.row_lengths() == 0
        nothing = tf.RaggedTensor.from_row_lengths(
            tf.fill([tf.math.count_nonzero(is_empty)], -1),
            tf.cast(is_empty, tf.int64),
            validate=False,
        )
        zero = nothing.with_flat_values(tf.zeros_like(nothing.flat_values))
        return self._replace(
            positions=joined(self.positions, nothing),
            originals=joined(self.originals, zero),
        )


def mask_tokens(
    token_ids: tf.RaggedTensor,
    seed: tf.Tensor,
    tokenizer: Tokenizer,
    mask_rate: float,
    mask_unit: str = "tokens",
) -> MaskedTokens:
    """Masks a fraction of each sequence's tokens.

    A masked token is one to be predicted: in its place the encoder reads the
    mask token, a random token, or, at times, the token itself.

    Special tokens are neither masked nor take the place of others. Of a
    sequence with other tokens, at least one is masked; of words, those that
    are longer than the fraction are not.

    Args:
        token_ids: int32 ragged `(R, None)`.
        seed: int64 `(2,)`.
        tokenizer: what made the ids.
        mask_rate: float in (0, 1). Fraction of the tokens that are masked.
        mask_unit: str, what is masked at a time: `tokens`, `words` (whole
            ones), or `spans` of words, whose tokens all become masks, or
            random tokens, or stay.

    Raises:
        InputError: if `mask_unit` is not `tokens`, and the tokenizer does not
            know where words begin.

    Source: Devlin et al., 2019 (arXiv:1810.04805), section 3.1, task 1; whole
    words: google-research/bert, 2019; spans: Joshi et al., 2020
    (arXiv:1907.10529), section 3.1.
    """
    seeds = tf.unstack(tf.random.split(seed, 3, alg="philox"))
    values = token_ids.flat_values  # (T,)
    is_plain = tokenizer.maskable_tokens()  # (V,)
    shape = tf.shape(values)
    kind = tf.random.stateless_uniform(shape, seeds[2], alg="philox")
    plain = tf.gather(tf.constant(is_plain), values)  # (T,)
    wanted = _wanted(token_ids, plain, mask_rate)
    if mask_unit == "tokens":
        chosen = _choose_tokens(token_ids, plain, wanted, seeds[0])
    else:
        words = _Words(token_ids, plain, tokenizer.continues_word())
        if mask_unit == "words":
            chosen = _choose_words(words, wanted, seeds[0])
        else:
            chosen, anchor = _choose_spans(words, token_ids, wanted, seeds[0])
            # As the word that the span begins with.
            kind = tf.gather(kind, anchor)

    plain_ids = np.flatnonzero(is_plain)
    if not plain_ids.size:
        plain_ids = np.array([tokenizer.mask_id])
    choice = tf.random.stateless_uniform(
        shape, seeds[1], 0, len(plain_ids), tf.int32, alg="philox"
    )
    other = tf.gather(tf.constant(plain_ids, tf.int32), choice)
    seen = tf.where(kind < MASK_FRACTION + RANDOM_FRACTION, other, values)
    seen = tf.where(kind < MASK_FRACTION, tokenizer.mask_id, seen)

    positions = tf.ragged.range(tf.cast(token_ids.row_lengths(), tf.int32))
    return MaskedTokens(
        token_ids.with_flat_values(tf.where(chosen, seen, values)),
        marked(token_ids.with_flat_values(positions.flat_values), chosen),
        marked(token_ids, chosen),
    )


def _wanted(token_ids, plain, mask_rate) -> tf.Tensor:
    """Returns int64 `(R,)`, how many tokens are to be chosen."""
    num_plain = tf.math.unsorted_segment_sum(
        tf.cast(plain, tf.int64), row_ids(token_ids), token_ids.nrows()
    )  # (R,)
    num_wanted = tf.math.floor(mask_rate * tf.cast(num_plain, tf.float64) + 0.5)
    return tf.minimum(num_plain, tf.maximum(tf.cast(num_wanted, tf.int64), 1))


def _choose_tokens(token_ids, plain, wanted, seed) -> tf.Tensor:
    """Returns bool `(T,)`, the tokens chosen."""
    # A random order of each sequence's tokens, special ones last.
    draws = _draws(plain, seed)
    rows = row_ids(token_ids)
    return _first_in_order(token_ids, rows, tf.where(plain, draws, 1.0), wanted)


def _draws(like, seed) -> tf.Tensor:
    return tf.random.stateless_uniform(
        tf.shape(like), seed, dtype=tf.float64, alg="philox"
    )


def _first_in_order(token_ids, rows, keys, wanted) -> tf.Tensor:
    """Returns bool `(T,)`: so many of each row, those with the lowest keys.

    Args:
        token_ids: ragged `(R, None)`.
        rows: int64 `(T,)`.
        keys: float64 `(T,)` in [0, 1]; of equal ones, the first comes first.
        wanted: int64 `(R,)`.
    """
    order = tf.argsort(keys + 2.0 * tf.cast(rows, tf.float64), stable=True)
    rank = tf.ragged.range(token_ids.row_lengths()).flat_values
    return _scattered(order, rank < tf.gather(wanted, rows))


def _scattered(order, flags) -> tf.Tensor:
    return tf.scatter_nd(order[:, tf.newaxis], flags, tf.shape(order, tf.int32))


class _Words:
    """The words of sequences; a special token is one by itself.

    Attributes:
        of_tokens: int64 `(T,)`, the word of each token.
        rows: int64 `(W,)`, the sequence of each word.
        sizes: int64 `(W,)`, its tokens.
        plain: bool `(W,)`, whether all of them may be chosen.
        first: int64 `(W,)`, its first token.
    """

    def __init__(self, token_ids, plain, continues_word):
        continues = tf.gather(
            tf.constant(continues_word), token_ids.flat_values
        )
        rows = row_ids(token_ids)
        is_same_row = rows[1:] == rows[:-1]
        joined_to_last = tf.concat([[False], is_same_row], 0)[: tf.size(rows)]
        begins = ~(continues & joined_to_last)
        self.of_tokens = tf.cumsum(tf.cast(begins, tf.int64)) - 1
        number = tf.math.count_nonzero(begins)
        self.first = tf.where(begins)[:, 0]
        self.rows = tf.gather(rows, self.first)
        self.sizes = tf.math.unsorted_segment_sum(
            tf.ones_like(self.of_tokens), self.of_tokens, number
        )
        self.plain = (
            tf.math.unsorted_segment_min(
                tf.cast(plain, tf.int32), self.of_tokens, number
            )
            > 0
        )
        self.num_rows = token_ids.nrows()


def _choose_words(words: _Words, wanted, seed) -> tf.Tensor:
    """Returns bool `(T,)`: the tokens of words that fit, in random order."""
    keys = tf.where(words.plain, _draws(words.plain, seed), 1.0)
    keys += 2.0 * tf.cast(words.rows, tf.float64)
    order = tf.argsort(keys, stable=True)
    rows = words.rows  # As in this order, too.
    sizes = tf.gather(words.sizes, order)
    left = tf.gather(words.plain, order)
    room = wanted
    chosen = tf.zeros_like(left)
    starts = tf.searchsorted(rows, tf.range(words.num_rows))
    for _ in range(_ROUNDS):
        left &= sizes <= tf.gather(room, rows)
        taken = tf.where(left, sizes, 0)
        before = tf.cumsum(taken, exclusive=True)
        base = tf.gather(tf.concat([before, [0]], 0), starts)
        sum_in_row = before + taken - tf.gather(base, rows)
        fits = left & (sum_in_row <= tf.gather(room, rows))
        chosen |= fits
        room -= tf.math.unsorted_segment_sum(
            tf.where(fits, sizes, 0), rows, words.num_rows
        )
        left &= ~fits
    return tf.gather(_scattered(order, chosen), words.of_tokens)


def _choose_spans(words: _Words, token_ids, wanted, seed):
    """Returns the tokens of random spans, bool `(T,)`, until there are enough.

    And int64 `(T,)`, the first token of the span that each is in.
    """
    seeds = tf.unstack(tf.random.split(seed, 2, alg="philox"))
    lengths = np.arange(1, LONGEST_SPAN + 1)
    chances = SPAN_END * (1 - SPAN_END) ** (lengths - 1)
    ends = np.cumsum(chances / chances.sum())
    length = 1 + tf.searchsorted(
        tf.constant(ends[:-1]), _draws(words.plain, seeds[0])
    )  # (W,)
    keys = tf.where(words.plain, _draws(words.plain, seeds[1]), 1.0)
    # Spans end before a special token, and so within their sequence.
    blocks = tf.cumsum(tf.cast(~words.plain, tf.int64))
    number = tf.size(keys, tf.int64)
    index = tf.range(number)
    best, anchors = keys, index
    for shift in range(1, LONGEST_SPAN):
        earlier = tf.maximum(index - shift, 0)
        key = tf.gather(keys, earlier)
        reaches = (
            (index >= shift)
            & (tf.gather(length, earlier) > shift)
            & (tf.gather(blocks, earlier) == blocks)
            & (tf.gather(words.rows, earlier) == words.rows)
            & words.plain
            & (key < best)
        )
        best = tf.where(reaches, key, best)
        anchors = tf.where(reaches, earlier, anchors)
    chosen = _first_in_order(
        token_ids,
        row_ids(token_ids),
        tf.gather(best, words.of_tokens),
        wanted,
    )
    anchor = tf.gather(words.first, tf.gather(anchors, words.of_tokens))
    return chosen, anchor
