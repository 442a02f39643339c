"""From UTF-8 strings to normalized words, in core TensorFlow ops.

Everything is flat: `N` characters of the decoded batch (each text followed by
a space that ends its last word), `M` characters after normalization, `W`
words, `B` texts.
"""

import dataclasses

import tensorflow as tf

from keras_bert_zoo.tokenization import code_point_tables as layout
from keras_bert_zoo.tokenization import unicode_tables


@dataclasses.dataclass(frozen=True)
class DecodedTexts:
    """The characters of a batch, as the user wrote them.

    Attributes:
        codes: int32 (N,). Code points; ill-formed UTF-8 is U+FFFD.
        byte_starts: int32 (N,). Offset of each character in its text.
        row_splits: int32 (B + 1,). Where each text starts in `codes`.
    """

    codes: tf.Tensor
    byte_starts: tf.Tensor
    row_splits: tf.Tensor


@dataclasses.dataclass(frozen=True)
class NormalizedTexts:
    """The characters of a batch after normalization, and its words.

    Attributes:
        values: int32 (M,). What stands for each character; 0 for a space.
        origins: int32 (M,). The decoded character that each one comes from.
        row_splits: int32 (B + 1,). Where each text starts in `values`.
        word_starts: int32 (W,). First character of each word.
        word_ends: int32 (W,). One past the last character of each word.
    """

    values: tf.Tensor
    origins: tf.Tensor
    row_splits: tf.Tensor
    word_starts: tf.Tensor
    word_ends: tf.Tensor


class GraphNormalizer(tf.Module):
    """Cleans, isolates, strips, lower-cases and splits a batch of texts.

    Args:
        tables: CodePointTables.
    """

    def __init__(self, tables: layout.CodePointTables):
        super().__init__()
        with tf.init_scope(), tf.device("CPU:0"):
            self._pages = tf.constant(tables.pages)
            self._entries = tf.constant(tables.entries)
            self._part_entries = tf.constant(tables.part_entries)
            self._part_classes = tf.constant(tables.part_classes)

    def __call__(
        self, texts: tf.Tensor
    ) -> tuple[DecodedTexts, NormalizedTexts]:
        """Normalizes string (B,).

        Ill-formed UTF-8 counts as one U+FFFD per maximal ill-formed part, as
        in Python's `errors="replace"`, and vanishes like any other U+FFFD.
        """
        row_splits, codes, byte_starts = tf.raw_ops.UnicodeDecodeWithOffsets(
            input=tf.strings.join([texts, " "]),
            input_encoding="UTF-8",
            errors="replace",
        )
        row_splits = tf.cast(row_splits, tf.int32)
        decoded = DecodedTexts(
            codes, tf.cast(byte_starts, tf.int32), row_splits
        )
        pages = tf.gather(
            self._pages, tf.bitwise.right_shift(codes, layout.PAGE_BITS)
        )
        places = tf.bitwise.bitwise_and(codes, (1 << layout.PAGE_BITS) - 1)
        entries = tf.gather(self._entries, pages + places)  # (N,)
        direct = layout.DIRECT << layout.COUNT_SHIFT
        entries, origins, row_splits = tf.cond(
            tf.reduce_all(
                tf.equal(tf.bitwise.bitwise_and(entries, direct), direct)
            ),
            lambda: (entries, tf.range(tf.size(entries)), row_splits),
            lambda: self._expand(entries, row_splits),
        )
        return decoded, _with_words(entries, origins, row_splits)

    def _expand(self, entries, row_splits):
        """Replaces each character by its parts, in canonical order."""
        counts = tf.bitwise.bitwise_and(
            tf.bitwise.right_shift(entries, layout.COUNT_SHIFT),
            layout.COUNT_MASK,
        )
        is_direct = tf.equal(counts, layout.DIRECT)
        counts = tf.where(is_direct, 1, counts)
        # Eight numbers per character: owner << 3 | place among its parts.
        firsts = tf.range(tf.size(entries)) * 8
        part_splits, parts = tf.raw_ops.RaggedRange(
            starts=firsts, limits=firsts + counts, deltas=1, Tsplits=tf.int32
        )
        owners = tf.bitwise.right_shift(parts, 3)
        places = tf.bitwise.bitwise_and(parts, 7)
        entries = tf.gather(entries, owners)
        is_direct = tf.gather(is_direct, owners)
        indices = tf.bitwise.right_shift(entries, layout.VALUE_SHIFT) + places
        indices = tf.where(is_direct, 0, indices)
        entries = tf.where(
            is_direct, entries, tf.gather(self._part_entries, indices)
        )
        classes = tf.where(is_direct, 0, tf.gather(self._part_classes, indices))
        entries, origins = tf.cond(
            tf.reduce_any((classes[:-1] > classes[1:]) & (classes[1:] > 0)),
            lambda: _in_canonical_order(entries, owners, places, classes),
            lambda: (entries, owners),
        )
        kinds = tf.bitwise.bitwise_and(entries, layout.KIND_MASK)
        kept = _where(tf.not_equal(kinds, unicode_tables.REMOVED))
        row_splits = tf.searchsorted(kept, tf.gather(part_splits, row_splits))
        return tf.gather(entries, kept), tf.gather(origins, kept), row_splits


def _in_canonical_order(entries, owners, places, classes):
    """Sorts each run of combining marks by class; origins stay in place."""
    runs = tf.cumsum(tf.cast(tf.equal(classes, 0), tf.int64))
    order = tf.argsort(runs * 256 + tf.cast(classes, tf.int64), stable=True)
    is_first = tf.equal(places, 0)
    ranks = tf.cumsum(tf.cast(tf.gather(is_first, order), tf.int32)) - 1
    origins = tf.gather(tf.boolean_mask(owners, is_first), ranks)
    return tf.gather(entries, order), origins


def _with_words(entries, origins, row_splits):
    kinds = tf.bitwise.bitwise_and(entries, layout.KIND_MASK)
    # A text ends with a space, so no word crosses into the next text.
    is_word = tf.equal(kinds, unicode_tables.WORD)
    is_isolated = tf.equal(kinds, unicode_tables.ISOLATED)
    inside = is_word[1:] & is_word[:-1]  # no boundary before characters 1 ...
    boundary = tf.constant([False])
    follows = tf.concat([boundary, inside], 0)
    continues = tf.concat([inside, boundary], 0)
    in_words = is_word | is_isolated
    return NormalizedTexts(
        values=tf.bitwise.right_shift(entries, layout.VALUE_SHIFT),
        origins=origins,
        row_splits=row_splits,
        word_starts=_where(in_words & ~follows[: tf.size(kinds)]),
        word_ends=_where(in_words & ~continues[: tf.size(kinds)]) + 1,
    )


def _where(mask):
    return tf.cast(tf.where(mask)[:, 0], tf.int32)
