"""BERT's text normalization, in core TensorFlow ops.

Characters are looked up in tables of one int32 entry per code point:
`value << 5 | count << 2 | kind`. Where `count` is `DIRECT`, the character
becomes one character of `kind`, and `value` stands for it. Otherwise it
becomes `count` parts (0 to 6), and `value` is where they start in the arrays
of parts; characters that may move during canonical ordering take this way,
and those that vanish, whose `kind` is REMOVED. Entries are stored in pages of
128 code points, equal pages once.

Tensors are flat: `N` characters of the decoded batch (each text followed by a
space that ends its last word), `M` characters after normalization, `W` words,
`B` texts.
"""

import dataclasses
import functools
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from keras_bert_zoo.tokenization.wordpiece import unicode_tables

PAGE_BITS = 7
KIND_MASK = 3
COUNT_SHIFT = 2
COUNT_MASK = 7
VALUE_SHIFT = 5
DIRECT = 7

_NUM_CODE_POINTS = 0x110000


@dataclasses.dataclass(frozen=True)
class CodePointTables:
    """Arrays of int32.

    Attributes:
        pages: (8704,). Where each page of code points starts in `entries`.
        entries: (E,). One per code point of a distinct page.
        part_entries: (P,). `value << 5 | kind`; kind REMOVED vanishes.
        part_classes: (P,). Canonical combining classes.
    """

    pages: np.ndarray
    entries: np.ndarray
    part_entries: np.ndarray
    part_classes: np.ndarray

    def entries_of(self, page: int) -> np.ndarray:
        """Returns the 128 entries of one page; page 0 is ASCII."""
        start = self.pages[page]
        return self.entries[start : start + (1 << PAGE_BITS)]


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


class Normalizer(tf.Module):
    """Cleans, isolates, strips, lower-cases and splits a batch of texts.

    Args:
        tables: CodePointTables.
    """

    def __init__(self, tables: CodePointTables):
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
            self._pages, tf.bitwise.right_shift(decoded.codes, PAGE_BITS)
        )
        offsets = tf.bitwise.bitwise_and(decoded.codes, (1 << PAGE_BITS) - 1)
        return tf.gather(self._entries, pages + offsets), decoded.row_splits

    def _look_up_ascii(self, ended, joined):
        row_splits = tf.cumsum(tf.strings.length(ended))
        entries = tf.gather(self._ascii_entries, tf.cast(joined, tf.int32))
        return entries, tf.concat([[0], row_splits], 0)

    def _normalize(self, entries, row_splits):
        direct = DIRECT << COUNT_SHIFT
        is_direct = tf.equal(tf.bitwise.bitwise_and(entries, direct), direct)
        kinds = tf.bitwise.bitwise_and(entries, KIND_MASK)
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
            tf.bitwise.right_shift(entries, COUNT_SHIFT),
            COUNT_MASK,
        )
        is_direct = tf.equal(counts, DIRECT)
        counts = tf.where(is_direct, 1, counts)
        # Eight numbers per character: owner << 3 | index among its parts.
        firsts = tf.range(tf.size(entries)) * 8
        part_splits, parts = tf.raw_ops.RaggedRange(
            starts=firsts, limits=firsts + counts, deltas=1, Tsplits=tf.int32
        )
        owners = tf.bitwise.right_shift(parts, 3)
        part_indices = tf.bitwise.bitwise_and(parts, 7)
        entries = tf.gather(entries, owners)
        is_direct = tf.gather(is_direct, owners)
        indices = tf.bitwise.right_shift(entries, VALUE_SHIFT) + part_indices
        indices = tf.where(is_direct, 0, indices)
        entries = tf.where(
            is_direct, entries, tf.gather(self._part_entries, indices)
        )
        classes = tf.where(is_direct, 0, tf.gather(self._part_classes, indices))
        entries, origins = tf.cond(
            tf.reduce_any((classes[:-1] > classes[1:]) & (classes[1:] > 0)),
            lambda: _in_canonical_order(entries, owners, part_indices, classes),
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
    kinds = tf.bitwise.bitwise_and(entries, KIND_MASK)
    kept = _where(tf.not_equal(kinds, unicode_tables.REMOVED))
    return (
        tf.gather(entries, kept),
        kept if origins is None else tf.gather(origins, kept),
        tf.searchsorted(kept, row_splits),
    )


def _in_canonical_order(entries, owners, part_indices, classes):
    """Sorts each run of combining marks by class; origins stay in place."""
    runs = tf.cumsum(tf.cast(tf.equal(classes, 0), tf.int64))
    order = tf.argsort(runs * 256 + tf.cast(classes, tf.int64), stable=True)
    is_first = tf.equal(part_indices, 0)
    ranks = tf.cumsum(tf.cast(tf.gather(is_first, order), tf.int32)) - 1
    origins = tf.gather(tf.gather(owners, _where(is_first)), ranks)
    return tf.gather(entries, order), origins


def _with_words(entries, origins, row_splits):
    kinds = tf.bitwise.bitwise_and(entries, KIND_MASK)
    # A text ends with a space, so no word crosses into the next text.
    is_word = tf.equal(kinds, unicode_tables.WORD)
    is_part = tf.not_equal(kinds, unicode_tables.SPACE)
    is_inner = is_word[1:] & is_word[:-1]  # no boundary before the second ...
    boundary = tf.constant([False])
    continues = tf.concat([boundary, is_inner], 0)[: tf.size(kinds)]
    goes_on = tf.concat([is_inner, boundary], 0)[: tf.size(kinds)]
    return NormalizedTexts(
        values=tf.bitwise.right_shift(entries, VALUE_SHIFT),
        origins=origins,
        row_splits=row_splits,
        word_starts=_where(is_part & ~continues),
        word_ends=_where(is_part & ~goes_on) + 1,
    )


def _where(mask):
    return tf.cast(tf.where(mask)[:, 0], tf.int32)


@functools.cache
def code_point_tables(lowercase: bool, strip_accents: bool) -> CodePointTables:
    """Returns tables in which each code point stands for itself, made once."""
    value_of = np.arange(_NUM_CODE_POINTS, dtype=np.int32)
    return _build_tables(lowercase, strip_accents, value_of)


def symbol_tables(
    lowercase: bool, strip_accents: bool, symbols: Mapping[int, int]
) -> CodePointTables:
    """Returns tables in which symbols stand for code points.

    Args:
        lowercase: bool.
        strip_accents: bool.
        symbols: what stands for each code point of normalized text; 0 for
            those left out.
    """
    value_of = np.zeros(_NUM_CODE_POINTS, dtype=np.int32)
    value_of[list(symbols)] = list(symbols.values())
    return _build_tables(lowercase, strip_accents, value_of)


def _build_tables(lowercase, strip_accents, value_of):
    tables = unicode_tables.load()
    kinds = _kinds(tables)
    entries = value_of << VALUE_SHIFT | DIRECT << COUNT_SHIFT | kinds
    entries[kinds == unicode_tables.REMOVED] = unicode_tables.REMOVED
    parts = _Parts(tables, kinds, value_of)
    for code in _changed_codes(tables, lowercase, strip_accents):
        if kinds[code] in (unicode_tables.REMOVED, unicode_tables.SPACE):
            continue
        entries[code] = parts.entry(code, lowercase, strip_accents)
    pages, entries = _paged(entries)
    return CodePointTables(
        pages=pages,
        entries=entries,
        part_entries=np.array(parts.entries or [0], dtype=np.int32),
        part_classes=np.array(parts.classes or [0], dtype=np.int32),
    )


class _Parts:
    """Collects what characters that do not become one other become."""

    def __init__(self, tables, kinds, value_of):
        self.entries = []
        self.classes = []
        self._tables = tables
        self._kinds = kinds
        self._value_of = value_of
        self._starts = {}

    def entry(self, code, lowercase, strip_accents):
        parts = self._parts(code, lowercase, strip_accents)
        first, first_class = parts[0]
        # Stripped marks of the character's own never change what remains.
        if not first_class and all(
            part & KIND_MASK == unicode_tables.REMOVED and combining_class
            for part, combining_class in parts[1:]
        ):
            if first & KIND_MASK != unicode_tables.REMOVED:
                return first | DIRECT << COUNT_SHIFT
        start = self._starts.setdefault(tuple(parts), len(self.entries))
        if start == len(self.entries):
            self.entries += [part for part, _ in parts]
            self.classes += [combining_class for _, combining_class in parts]
        vanishes = len(parts) == 1 and first == unicode_tables.REMOVED
        kind = unicode_tables.REMOVED if vanishes else 0
        return start << VALUE_SHIFT | len(parts) << COUNT_SHIFT | kind

    def _parts(self, code, lowercase, strip_accents):
        tables = self._tables
        kind_of_all = None
        if tables.is_ideograph(code):
            kind_of_all = unicode_tables.ISOLATED
        decomposed = tables.decompose(code) if strip_accents else chr(code)
        parts = []
        for character in decomposed:
            combining_class = (
                tables.combining_classes.get(ord(character), 0)
                if strip_accents
                else 0
            )
            if strip_accents and tables.is_nonspacing(ord(character)):
                parts.append((unicode_tables.REMOVED, combining_class))
                continue
            text = character
            if lowercase:
                text = tables.lowercase.get(ord(character), character)
            for part in text:
                kind = kind_of_all or int(self._kinds[ord(part)])
                value = int(self._value_of[ord(part)])
                parts.append((value << VALUE_SHIFT | kind, combining_class))
        return parts


def _changed_codes(tables, lowercase, strip_accents):
    codes = set()
    if lowercase:
        codes.update(tables.lowercase)
    if strip_accents:
        codes.update(tables.decomposed_codes())
        codes.update(tables.combining_classes)
        ranges = tables.nonspacing_ranges
        for first, last in zip(ranges[::2], ranges[1::2], strict=True):
            codes.update(range(first, last + 1))
    return sorted(codes)


def _kinds(tables):
    kinds = np.full(_NUM_CODE_POINTS, unicode_tables.WORD, dtype=np.int32)
    for name, kind in (
        ("punctuation", unicode_tables.ISOLATED),
        ("ideograph", unicode_tables.ISOLATED),
        ("space", unicode_tables.SPACE),
        ("removed", unicode_tables.REMOVED),
    ):
        ranges = tables.ranges[name]
        for first, last in zip(ranges[::2], ranges[1::2], strict=True):
            kinds[first : last + 1] = kind
    return kinds


def _paged(entries):
    # Sorting the pages would take longer than all else here.
    starts = {}
    positions = [
        starts.setdefault(page.tobytes(), len(starts))
        for page in entries.reshape(-1, 1 << PAGE_BITS)
    ]
    distinct = np.frombuffer(b"".join(starts), dtype=entries.dtype)
    return np.array(positions, dtype=np.int32) << PAGE_BITS, distinct
