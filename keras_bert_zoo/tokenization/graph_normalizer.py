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
            self._ascii_entries = tf.constant(tables.entries_of(0))
            self._part_entries = tf.constant(tables.part_entries)
            self._part_classes = tf.constant(tables.part_classes)

    def __call__(self, texts: tf.Tensor) -> NormalizedTexts:
        """Normalizes string (B,), for use without offsets.

        Ill-formed UTF-8 counts as one U+FFFD per maximal ill-formed part, as
        in Python's `errors="replace"`, and vanishes like any other U+FFFD.
        """
        ended = tf.strings.join([texts, " "])
        joined = tf.io.decode_raw(tf.strings.reduce_join(ended), tf.uint8)
        entries, row_splits = tf.cond(
            tf.reduce_max(joined) < 128,
            lambda: self._look_up_ascii(ended, joined),
            lambda: self._look_up(_decode(ended)),
        )
        return self._normalize(entries, row_splits)

    def with_origins(
        self, texts: tf.Tensor
    ) -> tuple[DecodedTexts, NormalizedTexts]:
        """Normalizes string (B,), for use with offsets."""
        decoded = _decode(tf.strings.join([texts, " "]))
        return decoded, self._normalize(*self._look_up(decoded))

    def _look_up(self, decoded):
        pages = tf.gather(
            self._pages, tf.bitwise.right_shift(decoded.codes, layout.PAGE_BITS)
        )
        places = tf.bitwise.bitwise_and(
            decoded.codes, (1 << layout.PAGE_BITS) - 1
        )
        return tf.gather(self._entries, pages + places), decoded.row_splits

    def _look_up_ascii(self, ended, joined):
        row_splits = tf.cumsum(tf.strings.length(ended))
        entries = tf.gather(self._ascii_entries, tf.cast(joined, tf.int32))
        return entries, tf.concat([[0], row_splits], 0)

    def _normalize(self, entries, row_splits):
        direct = layout.DIRECT << layout.COUNT_SHIFT
        is_direct = tf.equal(tf.bitwise.bitwise_and(entries, direct), direct)
        kinds = tf.bitwise.bitwise_and(entries, layout.KIND_MASK)
        is_plain = is_direct | tf.equal(kinds, unicode_tables.REMOVED)
        entries, origins, row_splits = tf.cond(
            tf.reduce_all(is_direct),
            lambda: (entries, tf.range(tf.size(entries)), row_splits),
            lambda: tf.cond(
                tf.reduce_all(is_plain),
                lambda: _keep(entries, None, row_splits),
                lambda: self._expand(entries, row_splits),
            ),
        )
        return _with_words(entries, origins, row_splits)

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
        return _keep(entries, origins, tf.gather(part_splits, row_splits))


def _decode(ended):
    row_splits, codes, byte_starts = tf.raw_ops.UnicodeDecodeWithOffsets(
        input=ended, input_encoding="UTF-8", errors="replace"
    )
    return DecodedTexts(
        codes, tf.cast(byte_starts, tf.int32), tf.cast(row_splits, tf.int32)
    )


def _keep(entries, origins, row_splits):
    """Drops what vanishes. Without `origins`, nothing has moved yet."""
    kinds = tf.bitwise.bitwise_and(entries, layout.KIND_MASK)
    kept = _where(tf.not_equal(kinds, unicode_tables.REMOVED))
    return (
        tf.gather(entries, kept),
        kept if origins is None else tf.gather(origins, kept),
        tf.searchsorted(kept, row_splits),
    )


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
    is_part = tf.not_equal(kinds, unicode_tables.SPACE)
    is_inner = is_word[1:] & is_word[:-1]  # no boundary before the second ...
    boundary = tf.constant([False])
    continues = tf.concat([boundary, is_inner], 0)[: tf.size(kinds)]
    goes_on = tf.concat([is_inner, boundary], 0)[: tf.size(kinds)]
    return NormalizedTexts(
        values=tf.bitwise.right_shift(entries, layout.VALUE_SHIFT),
        origins=origins,
        row_splits=row_splits,
        word_starts=_where(is_part & ~continues),
        word_ends=_where(is_part & ~goes_on) + 1,
    )


def _where(mask):
    return tf.cast(tf.where(mask)[:, 0], tf.int32)
