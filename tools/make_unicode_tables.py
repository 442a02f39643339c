"""Writes the Unicode tables of the published BERT tokenizer.

Asks Hugging Face `tokenizers` what its BERT normalizer and pre-tokenizer do
with every code point, and writes the answers as ranges to
`keras_bert_zoo/tokenization/wordpiece/unicode_tables.json`. Before writing,
composes the tables back and compares them with the library for every
code point in all four variants (lower-casing and accent stripping, each on
and off).

Run from the project's root, with the library that is to be followed:

    python -m tools.make_unicode_tables
"""

import json
import pathlib
import unicodedata
from collections.abc import Iterable

import tokenizers
from tokenizers import normalizers
from tokenizers import pre_tokenizers

from keras_bert_zoo.tokenization.wordpiece import unicode_tables

_CODE_POINTS = [
    code
    for code in range(0x110000)
    if not 0xD800 <= code <= 0xDFFF  # surrogates are not characters
]
_HANGUL = range(0xAC00, 0xD7A4)


def main() -> None:
    tables = {
        "source": f"tokenizers {tokenizers.__version__}",
        **_kinds(),
        "nonspacing": _ranges(_nonspacing()),
        "combining_classes": _combining_classes(),
        "decompositions": _decompositions(),
        "lowercase": _lowercase(),
    }
    lines = [
        f"{json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}"
        for key, value in tables.items()
    ]
    path = pathlib.Path(unicode_tables.PATH)
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="ascii")
    unicode_tables.load.cache_clear()
    _check(unicode_tables.load())
    print(f"{path}: {path.stat().st_size} bytes, all code points agree")


def _kinds() -> dict[str, list[int]]:
    normalize = _bert(lowercase=False, strip_accents=False)
    split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    found = {"removed": [], "space": [], "ideograph": [], "punctuation": []}
    for code in _CODE_POINTS:
        character = chr(code)
        normalized = normalize(character)
        if not normalized:
            found["removed"].append(code)
        elif normalized == " ":
            found["space"].append(code)
        elif normalized == f" {character} ":
            found["ideograph"].append(code)
        elif len(split(f"a{character}a")) == 3:
            found["punctuation"].append(code)
        elif normalized != character:
            raise RuntimeError(f"U+{code:04X} became {normalized!a}.")
    return {kind: _ranges(codes) for kind, codes in found.items()}


def _nonspacing() -> list[int]:
    strip = normalizers.BertNormalizer(
        clean_text=False,
        handle_chinese_chars=False,
        strip_accents=True,
        lowercase=False,
    ).normalize_str
    return [code for code in _CODE_POINTS if not strip(chr(code))]


def _combining_classes() -> list[list[int]]:
    """Finds canonical combining classes from how NFD reorders two marks."""
    normalize = normalizers.NFD().normalize_str
    first, last = "\u0334", "\u0345"  # the lowest class and the highest
    probes = {unicodedata.combining(last): last}
    for code in _CODE_POINTS:
        mark = chr(code)
        if normalize(last + mark) == mark + last:  # the library knows it
            probes.setdefault(unicodedata.combining(mark), mark)
    order = sorted(probes)
    classes = {}
    for code in _CODE_POINTS:
        mark = chr(code)
        if normalize(mark) != mark:
            continue
        before_last = normalize(last + mark) == mark + last
        after_first = normalize(mark + first) == first + mark
        if not before_last and not after_first:
            continue  # a starter: nothing moves across it
        # The class is the largest one that `mark` does not move before.
        classes[code] = max(
            value
            for value in order
            if probes[value] == mark
            or normalize(probes[value] + mark) != mark + probes[value]
        )
        if normalize(mark + probes[classes[code]])[0] != mark:
            raise RuntimeError(f"U+{code:04X} has a class without a probe.")
    runs = []
    for code, value in classes.items():
        if runs and runs[-1][1] == code - 1 and runs[-1][2] == value:
            runs[-1][1] = code
        else:
            runs.append([code, code, value])
    return runs


def _decompositions() -> dict[str, str]:
    """Canonical decompositions; Hangul has a formula and is left out."""
    normalize = normalizers.NFD().normalize_str
    return {
        f"{code:04X}": normalize(chr(code))
        for code in _CODE_POINTS
        if code not in _HANGUL and normalize(chr(code)) != chr(code)
    }


def _lowercase() -> list[list]:
    """Runs `[first, last, step, difference]`, or a longer text at the end."""
    normalize = normalizers.Lowercase().normalize_str
    runs = []
    for code in _CODE_POINTS:
        lower = normalize(chr(code))
        if lower == chr(code):
            continue
        if len(lower) > 1:
            runs.append([code, code, 1, lower])
            continue
        difference = ord(lower) - code
        if runs and runs[-1][3] == difference:
            first, last, step, _ = runs[-1]
            if code - last in ((step,) if last > first else (1, 2)):
                runs[-1] = [first, code, code - last, difference]
                continue
        runs.append([code, code, 1, difference])
    return runs


def _ranges(codes: Iterable[int]) -> list[int]:
    """Flattens to `[first, last, first, last, ...]`, ends inclusive."""
    flat = []
    for code in codes:
        if flat and flat[-1] == code - 1:
            flat[-1] = code
        else:
            flat += [code, code]
    return flat


def _bert(lowercase: bool, strip_accents: bool):
    return normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=True,
        strip_accents=strip_accents,
        lowercase=lowercase,
    ).normalize_str


def _check(tables: unicode_tables.UnicodeTables) -> None:
    for lowercase in (False, True):
        for strip_accents in (False, True):
            normalize = _bert(lowercase, strip_accents)
            for code in _CODE_POINTS:
                wanted = normalize(chr(code)).strip(" ")
                found = tables.normalize(code, lowercase, strip_accents)
                if found != wanted:
                    raise RuntimeError(
                        f"U+{code:04X} with lowercase={lowercase} and "
                        f"strip_accents={strip_accents} is {wanted!a} in "
                        f"the library and {found!a} in the tables."
                    )


if __name__ == "__main__":
    main()
