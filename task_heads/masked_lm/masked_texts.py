"""Texts with gaps, in core TensorFlow ops.

A gap is written `[MASK]`, whatever the tokenizer calls its mask token.
Letters: `B` texts, `M` gaps of a text.
"""

from typing import NamedTuple

import tensorflow as tf

from keras_bert_zoo.tokenization.ragged_rows import row_ids

MASK = "[MASK]"


class MaskPlaces(NamedTuple):
    """Where the gaps of `B` texts stand, all int32 ragged `(B, M)`.

    Starts are inclusive, ends exclusive; bytes are those of UTF-8.
    """

    byte_start: tf.RaggedTensor
    byte_end: tf.RaggedTensor
    char_start: tf.RaggedTensor
    char_end: tf.RaggedTensor


def tokenize_masked(texts: tf.Tensor, tokenizer) -> tf.RaggedTensor:
    """Returns the token ids of string `(B,)`, int32 `(B, None)`.

    What stands on either side of a gap is tokenized on its own, so a token
    that touches one begins a word.
    """
    parts = _split(texts)
    tokens = tokenizer.tokenize(parts.flat_values)
    follows = _mask_follows(parts)
    masks = tf.RaggedTensor.from_row_lengths(
        tf.repeat(tokenizer.mask_id, tf.math.count_nonzero(follows)),
        tf.cast(follows, tf.int64),
        validate=False,
    )
    joined = tf.concat([tokens, masks], axis=1)
    return tf.RaggedTensor.from_row_splits(
        joined.flat_values,
        tf.gather(joined.row_splits, parts.row_splits),
        validate=False,
    )


def mask_places(texts: tf.Tensor) -> MaskPlaces:
    """Returns where the gaps of string `(B,)` stand."""
    parts = _split(texts)
    follows = parts.with_flat_values(_mask_follows(parts))

    def ends(unit):
        lengths = tf.strings.length(parts.flat_values, unit) + len(MASK)
        before = tf.cumsum(lengths, exclusive=True)
        before_text = tf.gather(before, parts.row_starts())
        before -= tf.gather(before_text, row_ids(parts))
        return tf.ragged.boolean_mask(
            parts.with_flat_values(before + lengths), follows
        )

    byte_end, char_end = ends("BYTE"), ends("UTF8_CHAR")
    return MaskPlaces(
        byte_end - len(MASK), byte_end, char_end - len(MASK), char_end
    )


def fill_masks(texts: tf.Tensor, fillings: tf.Tensor) -> tf.Tensor:
    """Returns the texts with something in their gaps.

    Args:
        texts: string `(B,)`.
        fillings: string, one for each gap of all texts.
    """
    parts = _split(texts)
    follows = _mask_follows(parts)
    place = tf.cumsum(tf.cast(follows, tf.int32)) - 1
    after = tf.gather(
        tf.concat([fillings, [""]], 0),
        tf.where(follows, place, tf.size(fillings)),
    )
    return tf.strings.unsorted_segment_join(
        tf.strings.join([parts.flat_values, after]),
        row_ids(parts),
        tf.size(texts),
    )


def _split(texts: tf.Tensor) -> tf.RaggedTensor:
    """Returns what stands around the gaps, at least one part a text."""
    return tf.strings.split(texts, sep=MASK)


def _mask_follows(parts: tf.RaggedTensor) -> tf.Tensor:
    """Returns bool, whether a gap follows each part of all texts."""
    rows = row_ids(parts)
    return tf.concat([rows[1:] == rows[:-1], [False]], 0)[: tf.size(rows)]
