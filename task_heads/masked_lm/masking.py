"""Hiding tokens to learn from them, in stateless graph ops.

Letters: `R` sequences, `T` tokens of all of them, `P` hidden in a sequence,
`V` tokens of the vocabulary.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_bert_zoo.tokenization import Tokenizer
from keras_bert_zoo.tokenization.packing import marked
from keras_bert_zoo.tokenization.packing import row_ids

# Of the tokens chosen, so many become the mask, and so many a random token;
# the others stay as they are.
MASKED, RANDOM = 0.8, 0.1


class HiddenTokens(NamedTuple):
    """Sequences with hidden tokens.

    Attributes:
        token_ids: int32 ragged `(R, None)`, what is left to see.
        positions: int32 ragged `(R, P)`, the chosen ones, rising from 0.
        originals: int32 ragged `(R, P)`, what stood there.
    """

    token_ids: tf.RaggedTensor
    positions: tf.RaggedTensor
    originals: tf.RaggedTensor


def hide_tokens(
    token_ids: tf.RaggedTensor,
    seed: tf.Tensor,
    tokenizer: Tokenizer,
    mask_rate: float,
) -> HiddenTokens:
    """Chooses a fraction of each sequence's tokens, and hides most of them.

    Special tokens are neither chosen nor take the place of others. Of a
    sequence with other tokens, at least one is chosen.

    Args:
        token_ids: int32 ragged `(R, None)`.
        seed: int64 `(2,)`.
        tokenizer: what made the ids.
        mask_rate: float in (0, 1). Fraction of the tokens that are chosen.

    Source: Devlin et al., 2019 (arXiv:1810.04805), section 3.1, task 1.
    """
    seeds = tf.unstack(tf.random.split(seed, 3, alg="philox"))
    values = token_ids.flat_values  # (T,)
    is_plain = tokenizer.maskable_tokens()  # (V,)
    chosen = _choose(token_ids, seeds[0], is_plain, mask_rate)

    plain_ids = np.flatnonzero(is_plain)
    if not plain_ids.size:
        plain_ids = np.array([tokenizer.mask_id])
    shape = tf.shape(values)
    choice = tf.random.stateless_uniform(
        shape, seeds[1], 0, len(plain_ids), tf.int32, alg="philox"
    )
    other = tf.gather(tf.constant(plain_ids, tf.int32), choice)
    kind = tf.random.stateless_uniform(shape, seeds[2], alg="philox")
    seen = tf.where(kind < MASKED + RANDOM, other, values)
    seen = tf.where(kind < MASKED, tokenizer.mask_id, seen)

    positions = tf.ragged.range(tf.cast(token_ids.row_lengths(), tf.int32))
    return HiddenTokens(
        token_ids.with_flat_values(tf.where(chosen, seen, values)),
        marked(token_ids.with_flat_values(positions.flat_values), chosen),
        marked(token_ids, chosen),
    )


def _choose(token_ids, seed, is_plain, mask_rate) -> tf.Tensor:
    """Returns bool `(T,)`, the tokens chosen."""
    plain = tf.gather(tf.constant(is_plain), token_ids.flat_values)  # (T,)
    rows = row_ids(token_ids)
    num_plain = tf.math.unsorted_segment_sum(
        tf.cast(plain, tf.int64), rows, token_ids.nrows()
    )  # (R,)
    num_wanted = tf.math.floor(mask_rate * tf.cast(num_plain, tf.float64) + 0.5)
    wanted = tf.minimum(num_plain, tf.maximum(tf.cast(num_wanted, tf.int64), 1))

    # A random order of each sequence's tokens, special ones last.
    draws = tf.random.stateless_uniform(
        tf.shape(plain), seed, dtype=tf.float64, alg="philox"
    )
    keys = tf.where(plain, draws, 1.0) + 2.0 * tf.cast(rows, tf.float64)
    order = tf.argsort(keys, stable=True)
    rank = tf.ragged.range(token_ids.row_lengths()).flat_values
    is_first = rank < tf.gather(wanted, rows)
    return tf.scatter_nd(
        order[:, tf.newaxis], is_first, tf.shape(order, tf.int32)
    )
