"""What the published BERT tokenizer does with each Unicode character.

The tables come from Hugging Face `tokenizers` and not from Python's
`unicodedata`, whose Unicode version changes with the interpreter.
`tools/make_unicode_tables.py` writes and checks them.
"""

import bisect
import functools
import json
import pathlib

from keras_bert_zoo.errors import InputError

PATH = pathlib.Path(__file__).with_name("unicode_tables.json")

WORD = 0
SPACE = 1
ISOLATED = 2
REMOVED = 3

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
