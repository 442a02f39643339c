"""Entities read from the tags of a sentence, in two ways.

Source: seqeval 1.2.2, which both readings equal; the lenient one is that of
the script conlleval of CoNLL-2000.
"""

from collections.abc import Sequence
from typing import NamedTuple

from keras_bert_zoo.errors import InputError

OUTSIDE = "O"
# The first letters that each scheme of entities has, apart from O.
PREFIXES = {"IOB1": "BI", "IOB2": "BI", "IOBES": "BIES"}

_FROM_BILOU = {"L": "E", "U": "S"}
# The type of a tag that is a letter alone.
NO_TYPE = "_"


class Entity(NamedTuple):
    """A typed span of words.

    Attributes:
        type: the tag without its prefix.
        start: number of the first word, from 0.
        end: number of the word after the last: exclusive.
    """

    type: str
    start: int
    end: int


def entities(tags: Sequence[str], suffix: bool = False) -> list[Entity]:
    """Reads the entities of a sentence, leniently.

    Any scheme, valid or not, reads as in conlleval and in seqeval's default
    mode: a new type, and a wrong prefix, start an entity. A tag without a
    prefix reads by its first letter, as there: `BPER` like `B-PER`, and `B`
    as of type `_`. Other than there, `L-` and `U-` read like `E-` and `S-`.

    Args:
        tags: the tags.
        suffix: bool. The letter stands behind, as in `PER-B`.

    Raises:
        InputError: if a tag is not a string, or empty.
    """
    found = []
    before, type_before, start = OUTSIDE, "", 0
    letters = [letter_and_type(tag, suffix) for tag in tags]
    for place, (letter, name) in enumerate([*letters, (OUTSIDE, NO_TYPE)]):
        other = name != type_before
        # "." is the outside of an old format; only a new type tells it apart.
        if (
            before in "ES"
            or (before in "BI" and letter in "BSO")
            or (before not in "O." and other)
        ):
            found.append(Entity(type_before, start, place))
        if (
            letter in "BS"
            or (letter in "IE" and before in "ESO")
            or (letter not in "O." and other)
        ):
            start = place
        before, type_before = letter, name
    return found


def strict_entities(tags: Sequence[str], scheme: str) -> list[Entity]:
    """Reads the entities that are spelled exactly as the scheme asks.

    Equal to seqeval's `mode="strict"`, with IOBES also for BILOU. In IOB1
    it has its peculiarities: a wrong `B-` is outside; and an entity that
    starts with `B-` is lost if a `B-` of another type follows directly.

    Args:
        tags: the tags.
        scheme: `IOB1`, `IOB2` or `IOBES`.

    Raises:
        InputError: if `scheme` is another, or a tag does not start with one
            of its letters.
    """
    if scheme not in PREFIXES:
        raise InputError(
            "The scheme of a strict reading must be one of "
            f"{', '.join(PREFIXES)}. Received: {scheme!r}. Tags without "
            "prefixes have no entities; BILOU is read as IOBES."
        )
    found = []
    outside = (OUTSIDE, NO_TYPE)
    parsed = [_strict_letter_and_type(tag, scheme) for tag in tags]
    parsed.append(outside)
    before, start = outside, None
    for place, current in enumerate(parsed):
        goes_on = current[0] in "IE" and before[0] in "BI"
        if start is not None and not (goes_on and before[1] == current[1]):
            if _ends(before, current, scheme):
                found.append(Entity(before[1], start, place))
            start = None
        if start is None and _starts(before, current, scheme):
            start = place
        before = current
    return found


def _starts(before: tuple, current: tuple, scheme: str) -> bool:
    if scheme != "IOB1":
        return current[0] in "BS"
    same = before[1] == current[1]
    if current[0] == "B":
        return same and before[0] in "BI"
    return current[0] == "I" and (before[0] in "OB" or not same)


def _ends(before: tuple, current: tuple, scheme: str) -> bool:
    if scheme == "IOBES":
        return before[0] in "ES"
    both_b = before[0] == current[0] == "B"
    return scheme == "IOB2" or not both_b or before[1] == current[1]


def letter_and_type(tag: str, suffix: bool = False) -> tuple[str, str]:
    """Returns a tag's letter, E or S where BILOU has L or U, and its type.

    Raises:
        InputError: if the tag is not a string, or empty.
    """
    if not isinstance(tag, str) or not tag:
        raise InputError(
            f"A tag must be a string that is not empty. Received: {tag!r}. "
            f'Words outside of entities have the tag "{OUTSIDE}".'
        )
    if suffix:
        letter, name = tag[-1], tag[:-1].rsplit("-", 1)[0]
        marked = tag[-2:-1] == "-"
    else:
        letter, name = tag[0], tag[1:].split("-", 1)[-1]
        marked = tag[1:2] == "-"
    if marked:
        letter = _FROM_BILOU.get(letter, letter)
    return letter, name or NO_TYPE


def _strict_letter_and_type(tag: str, scheme: str) -> tuple[str, str]:
    letter, _ = letter_and_type(tag)
    if letter not in PREFIXES[scheme] + OUTSIDE:
        raise foreign_tag(tag, scheme)
    return letter, tag[1:].strip("-") or NO_TYPE


def foreign_tag(tag: str, scheme: str) -> InputError:
    """Returns the error for a tag that is not of the scheme."""
    prefixes = ", ".join(f"{letter}-" for letter in PREFIXES[scheme])
    return InputError(
        f"A tag of {scheme} must be {OUTSIDE} or have one of the prefixes "
        f"{prefixes}. Received: {tag!r}. Give the scheme of the data, or "
        "mend the tag."
    )
