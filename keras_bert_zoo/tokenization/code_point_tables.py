"""The Unicode tables as arrays that a graph can look code points up in.

An entry is one int32 per code point: `value << 5 | count << 2 | kind`. Where
`count` is `DIRECT`, the character becomes one character of `kind`, and
`value` stands for it. Otherwise it becomes `count` parts (0 to 6), and
`value` is where they start in the arrays of parts; characters that may move
during canonical ordering take this way, and those that vanish, whose `kind`
is REMOVED. Entries are stored in pages of 128 code points, equal pages once.
"""

import dataclasses
import functools
from collections.abc import Mapping

import numpy as np

from keras_bert_zoo.tokenization import unicode_tables

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


@functools.cache
def of_code_points(lowercase: bool, strip_accents: bool) -> CodePointTables:
    """Returns tables in which each code point stands for itself, made once."""
    value_of = np.arange(_NUM_CODE_POINTS, dtype=np.int32)
    return _build(lowercase, strip_accents, value_of)


def of_symbols(
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
    return _build(lowercase, strip_accents, value_of)


def _build(lowercase, strip_accents, value_of):
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
