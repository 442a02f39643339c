"""What the published BERT tokenizer does with each Unicode character.

The tables come from Hugging Face `tokenizers` and not from Python's
`unicodedata`, whose Unicode version changes with the interpreter.
`tools/make_unicode_tables.py` writes and checks them.

`UnicodeTables` answers for single characters, `CodePointTables` for whole
batches: it holds the same as arrays.
"""

import bisect
import dataclasses
import functools
import json
import pathlib
from collections.abc import Mapping
from typing import Any

from keras_bert_zoo.errors import InputError

PATH = pathlib.Path(__file__).with_name("unicode_tables.json")

WORD = 0
SPACE = 1
ISOLATED = 2
REMOVED = 3

PAGE_BITS = 7
KIND_MASK = 3
COUNT_SHIFT = 2
COUNT_MASK = 7
VALUE_SHIFT = 5
DIRECT = 7

_NUM_CODE_POINTS = 0x110000

_HANGUL_FIRST = 0xAC00
_HANGUL_LAST = 0xD7A3


class UnicodeTables:
    """Answers questions about single code points.

    Args:
        data: dict, as `tools/make_unicode_tables.py` writes it. Ranges are
            flat lists `first, last, first, last, ...`, ends inclusive.
    """

    def __init__(self, data):
        self.source = data["source"]
        self.ranges = {
            kind: data[kind]
            for kind in ("removed", "space", "ideograph", "punctuation")
        }
        self.nonspacing_ranges = data["nonspacing"]
        self.combining_classes = {
            code: value
            for first, last, value in data["combining_classes"]
            for code in range(first, last + 1)
        }
        self._decompositions = {
            int(code, 16): text for code, text in data["decompositions"].items()
        }
        self.lowercase = {
            code: change if isinstance(change, str) else chr(code + change)
            for first, last, step, change in data["lowercase"]
            for code in range(first, last + 1, step)
        }

    def kind(self, code: int) -> int:
        """Returns WORD, SPACE, ISOLATED (a word of its own) or REMOVED."""
        if _within(self.ranges["removed"], code):
            return REMOVED
        if _within(self.ranges["space"], code):
            return SPACE
        if self.is_ideograph(code) or self.is_punctuation(code):
            return ISOLATED
        return WORD

    def is_ideograph(self, code: int) -> bool:
        return _within(self.ranges["ideograph"], code)

    def is_punctuation(self, code: int) -> bool:
        return _within(self.ranges["punctuation"], code)

    def is_nonspacing(self, code: int) -> bool:
        """Whether accent stripping removes the (decomposed) character."""
        return _within(self.nonspacing_ranges, code)

    def decompose(self, code: int) -> str:
        """Returns the canonical decomposition (NFD) of one character."""
        if _HANGUL_FIRST <= code <= _HANGUL_LAST:
            lead, rest = divmod(code - _HANGUL_FIRST, 588)
            vowel, tail = divmod(rest, 28)
            text = chr(0x1100 + lead) + chr(0x1161 + vowel)
            return text + chr(0x11A7 + tail) if tail else text
        return self._decompositions.get(code) or chr(code)

    def decomposed_codes(self) -> list[int]:
        """Returns every code point that `decompose` changes."""
        hangul = range(_HANGUL_FIRST, _HANGUL_LAST + 1)
        return sorted([*self._decompositions, *hangul])

    def normalize(self, code: int, lowercase: bool, strip_accents: bool) -> str:
        """Returns what one character alone becomes; "" for a space.

        The characters around it change the result only where accents are
        stripped and combining marks stand in another than canonical order.
        """
        if self.kind(code) in (REMOVED, SPACE):
            return ""
        text = chr(code)
        if strip_accents:
            text = "".join(
                part
                for part in self.decompose(code)
                if not self.is_nonspacing(ord(part))
            )
        if lowercase:
            text = "".join(self.lowercase.get(ord(part), part) for part in text)
        return text


@functools.cache
def load() -> UnicodeTables:
    """Returns the packaged tables, read once.

    Raises:
        InputError: if the packaged file is missing or damaged.
    """
    try:
        return UnicodeTables(json.loads(PATH.read_text(encoding="ascii")))
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            "The package needs its Unicode tables. Received: "
            f"{PATH}, which cannot be read ({error}). Install the package "
            "again."
        ) from error


def _within(ranges: list[int], code: int) -> bool:
    # Odd insertion points lie inside a range; a range's own last code point
    # is found to its left.
    index = bisect.bisect_left(ranges, code)
    return index % 2 == 1 or (index < len(ranges) and ranges[index] == code)


@dataclasses.dataclass(frozen=True)
class CodePointTables:
    """What becomes of each code point, in NumPy's arrays of int32.

    There is one entry per code point: `value << 5 | count << 2 | kind`. Where
    `count` is `DIRECT`, the character becomes one character of `kind`, and
    `value` stands for it. Otherwise it becomes `count` parts (0 to 6), and
    `value` is where they start in the arrays of parts; characters that may
    move during canonical ordering take this way, and those that vanish, whose
    `kind` is REMOVED. Entries are stored in pages of 128 code points, equal
    pages once.

    Attributes:
        pages: (8704,). Where each page of code points starts in `entries`.
        entries: (E,). One per code point of a distinct page.
        part_entries: (P,). `value << 5 | kind`; kind REMOVED vanishes.
        part_classes: (P,). Canonical combining classes.
    """

    pages: Any
    entries: Any
    part_entries: Any
    part_classes: Any

    def entries_of(self, page: int) -> Any:
        """Returns the 128 entries of one page; page 0 is ASCII."""
        start = self.pages[page]
        return self.entries[start : start + (1 << PAGE_BITS)]


@functools.cache
def code_point_tables(lowercase: bool, strip_accents: bool) -> CodePointTables:
    """Returns tables in which each code point stands for itself, made once."""
    return _compiled(lowercase, strip_accents)


def symbol_tables(
    lowercase: bool, strip_accents: bool, symbols: Mapping[int, int]
) -> CodePointTables:
    """Returns tables in which symbols stand for code points.

    Args:
        lowercase: bool.
        strip_accents: bool.
        symbols: what stands for each code point of normalized text; 0 for
            a code point that no token has.
    """
    return _compiled(lowercase, strip_accents, symbols)


def _compiled(lowercase, strip_accents, symbols=None):
    # Not above: `PythonTokenizer` works without NumPy.
    import numpy as np

    tables = load()
    if symbols is None:
        value_of = np.arange(_NUM_CODE_POINTS, dtype=np.int32)
    else:
        value_of = np.zeros(_NUM_CODE_POINTS, dtype=np.int32)
        value_of[list(symbols)] = list(symbols.values())
    kinds = np.full(_NUM_CODE_POINTS, WORD, dtype=np.int32)
    for name, kind in (
        ("punctuation", ISOLATED),
        ("ideograph", ISOLATED),
        ("space", SPACE),
        ("removed", REMOVED),
    ):
        ranges = tables.ranges[name]
        for first, last in zip(ranges[::2], ranges[1::2], strict=True):
            kinds[first : last + 1] = kind
    entries = value_of << VALUE_SHIFT | DIRECT << COUNT_SHIFT | kinds
    entries[kinds == REMOVED] = REMOVED
    parts = _Parts(tables, kinds, value_of)
    for code in _changed_codes(tables, lowercase, strip_accents):
        if kinds[code] in (REMOVED, SPACE):
            continue
        entries[code] = parts.entry(code, lowercase, strip_accents)
    # Sorting the pages would take longer than all else here.
    starts = {}
    positions = [
        starts.setdefault(page.tobytes(), len(starts))
        for page in entries.reshape(-1, 1 << PAGE_BITS)
    ]
    return CodePointTables(
        pages=np.array(positions, dtype=np.int32) << PAGE_BITS,
        entries=np.frombuffer(b"".join(starts), dtype=entries.dtype),
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
            part & KIND_MASK == REMOVED and combining_class
            for part, combining_class in parts[1:]
        ):
            if first & KIND_MASK != REMOVED:
                return first | DIRECT << COUNT_SHIFT
        start = self._starts.setdefault(tuple(parts), len(self.entries))
        if start == len(self.entries):
            self.entries += [part for part, _ in parts]
            self.classes += [combining_class for _, combining_class in parts]
        vanishes = len(parts) == 1 and first == REMOVED
        kind = REMOVED if vanishes else 0
        return start << VALUE_SHIFT | len(parts) << COUNT_SHIFT | kind

    def _parts(self, code, lowercase, strip_accents):
        tables = self._tables
        kind_of_all = None
        if tables.is_ideograph(code):
            kind_of_all = ISOLATED
        decomposed = tables.decompose(code) if strip_accents else chr(code)
        parts = []
        for character in decomposed:
            combining_class = (
                tables.combining_classes.get(ord(character), 0)
                if strip_accents
                else 0
            )
            if strip_accents and tables.is_nonspacing(ord(character)):
                parts.append((REMOVED, combining_class))
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
