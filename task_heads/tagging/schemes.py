"""Tag schemes: how tags on words spell entities, and what they read as.

| scheme | first word | inner words | last word | only word |
| --- | --- | --- | --- | --- |
| `IOB1` | `I-` (`B-` right after another of its type) | `I-` | `I-` | `I-` |
| `IOB2` | `B-` | `I-` | `I-` | `B-` |
| `IOBES` | `B-` | `I-` | `E-` | `S-` |
| `none` | tags without prefixes, such as parts of speech | | | |

BILOU is IOBES with other letters: wherever tags are read, `L-` counts as
`E-` and `U-` as `S-`. Words outside of entities have the tag `O`.

Source: Ramshaw and Marcus, 1995 (arXiv:cmp-lg/9505040); Tjong Kim Sang and
Veenstra, 1999 (arXiv:cs/9907006). Entities are read as seqeval 1.2.2 reads
them, leniently (as the script conlleval of CoNLL-2000) or strictly.
"""

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import NamedTuple

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.errors import ItemError

OUTSIDE = "O"
# The first letters that each scheme of entities has, apart from O.
PREFIXES = {"IOB1": "BI", "IOB2": "BI", "IOBES": "BIES"}

_FROM_BILOU = {"L": "E", "U": "S"}
# The type of a tag that is a letter alone.
NO_TYPE = "_"
SCHEMES = (*PREFIXES, "none")
# Tags without a type, which `entities` reads as of the type `_`.
BARE_TAGS = ("B", "I", "E", "S")


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
    mode: a new type, and a wrong prefix, start an entity; where the hyphen is
    missing the first letter is the prefix (`BPER` is `B-PER`), and a prefix
    alone has the type `_`. Unlike seqeval, `L-` and `U-` are read as `E-` and
    `S-`.

    Args:
        tags: the tags.
        suffix: bool. The letter stands behind, as in `PER-B`.

    Raises:
        InputError: if a tag is not a string, or empty.
    """
    spans = []
    before, type_before, start = OUTSIDE, "", 0
    letters = [letter_and_type(tag, suffix) for tag in tags]
    for index, (letter, name) in enumerate([*letters, (OUTSIDE, NO_TYPE)]):
        other = name != type_before
        # "." is the outside of an old format; only a new type separates it.
        if (
            before in "ES"
            or (before in "BI" and letter in "BSO")
            or (before not in "O." and other)
        ):
            spans.append(Entity(type_before, start, index))
        if (
            letter in "BS"
            or (letter in "IE" and before in "ESO")
            or (letter not in "O." and other)
        ):
            start = index
        before, type_before = letter, name
    return spans


def strict_entities(tags: Sequence[str], scheme: str) -> list[Entity]:
    """Reads the entities whose tags follow the scheme exactly.

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
    spans = []
    outside = (OUTSIDE, NO_TYPE)
    parsed = [_strict_letter_and_type(tag, scheme) for tag in tags]
    parsed.append(outside)
    before, start = outside, None
    for index, current in enumerate(parsed):
        continues = current[0] in "IE" and before[0] in "BI"
        if start is not None and not (continues and before[1] == current[1]):
            if _ends(before, current, scheme):
                spans.append(Entity(before[1], start, index))
            start = None
        if start is None and _starts(before, current, scheme):
            start = index
        before = current
    return spans


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


def detect_scheme(sequences: Iterable[Sequence[str]]) -> str:
    """Returns the scheme that the tags of a corpus follow.

    The first that holds:

    1. `none`: tags other than `O` have no prefix (`B-`, `I-`, `E-`, `S-`,
       `L-`, `U-`) or nothing after it; but letters without a type are
       prefixes if there are `B`, `I` and `O`, maybe `E` and `S`, and no other;
    2. `IOBES`: there is an `E-`, `S-`, `L-` or `U-`;
    3. `IOB1`: an `I-` starts an entity, and each `B-` stands right after an
       entity of its type;
    4. `IOB2`: everything else. So is a corpus without entities, and one in
       which some `I-` and some `B-` start entities, which neither IOB1 nor
       IOB2 allows: `count_invalid` then counts the wrong tags.

    Args:
        sequences: the tags of each sentence; read once.

    Raises:
        ItemError: if a tag is not a string, or empty, or some tags have a
            prefix and others have none.
    """
    has_end = starts_with_i = starts_with_b = False
    with_prefix = without = None
    bare, has_outside = set(), False
    for tags in sequences:
        before = (OUTSIDE, "")
        for index, tag in enumerate(tags):
            try:
                prefix, name = current = _split(tag)
            except InputError as error:
                raise ItemError(str(error), index) from error
            if prefix is None:
                without = tag
            elif tag in BARE_TAGS:
                bare.add(tag)
            elif prefix != OUTSIDE:
                with_prefix = tag
            has_outside |= prefix == OUTSIDE
            if with_prefix and (without or bare):
                raise ItemError(
                    "Either all tags but O must have a prefix, such as B-, or "
                    f"none. Received: {with_prefix!r} and "
                    f"{without or min(bare)!r}. Mend "
                    "the odd ones, or choose the scheme none, in which a "
                    "prefix means nothing.",
                    index,
                )
            if without:
                continue
            continues = before == ("I", name)
            has_end |= prefix in "ES"
            starts_with_i |= prefix == "I" and not continues
            starts_with_b |= prefix == "B" and not continues
            # In IOB1 and IOB2 a word after B- is as good as one after I-.
            before = ("I", name) if prefix == "B" else current
    if without or (bare and not (has_outside and bare >= {"B", "I"})):
        return "none"
    if has_end:
        return "IOBES"
    return "IOB1" if starts_with_i and not starts_with_b else "IOB2"


def count_invalid(tags: Sequence[str], scheme: str) -> int:
    """Returns how many transitions of a sentence its scheme does not allow.

    A transition is a pair of neighbouring tags; the sentence's start and
    end count as `O`. In IOB2 and IOBES, `I-` and `E-` must continue an
    entity of their type; in IOBES, `B-` and `I-` must be continued; in
    IOB1, `B-` must stand right after an entity of its type.

    Raises:
        InputError: if `scheme` is unknown, or a tag has no prefix of it.
    """
    _check_scheme(scheme)
    if scheme == "none":
        return 0
    parsed = list(_parsed(tags, scheme))
    outside = (OUTSIDE, "")
    pairs = zip([outside, *parsed], [*parsed, outside])
    return sum(not _allowed(*pair, scheme) for pair in pairs)


def convert(tags: Sequence[str], source: str, target: str) -> list[str]:
    """Writes the tags of a sentence in another scheme.

    Invalid tags are mended: they are read as `entities` reads them. BILOU
    becomes IOBES.

    Args:
        tags: the tags.
        source: their scheme.
        target: the scheme to write; may be `source`, to mend.

    Raises:
        InputError: if a scheme is unknown, one of the two is `none` and the
            other is not, or a tag has no prefix of `source`.
    """
    _check_scheme(source)
    _check_scheme(target)
    if "none" in (source, target):
        if source == target:
            return list(tags)
        raise InputError(
            "Tags without prefixes cannot be converted, nor prefixes left "
            f"out. Received: source={source!r}, target={target!r}. Choose "
            f"both from {', '.join(PREFIXES)}."
        )
    list(_parsed(tags, source))
    converted = [OUTSIDE] * len(tags)
    before = None
    for entity in entities(tags):
        name, start, end = entity
        converted[start:end] = [f"I-{name}"] * (end - start)
        touches = before is not None and before[::2] == (name, start)
        if target != "IOB1" or touches:
            converted[start] = f"B-{name}"
        if target == "IOBES":
            last = "S" if end - start == 1 else "E"
            converted[end - 1] = f"{last}-{name}"
        before = entity
    return converted


def _allowed(before: tuple, current: tuple, scheme: str) -> bool:
    same = before[1] == current[1]
    if scheme == "IOB1":
        return current[0] != "B" or (before[0] in "BI" and same)
    open_before = before[0] in "BI"
    continues = current[0] in "IE"
    if continues:
        return open_before and same
    return scheme == "IOB2" or not open_before


def _parsed(tags: Sequence[str], scheme: str) -> Iterator[tuple[str, str]]:
    for index, tag in enumerate(tags):
        prefix, name = _split(tag)
        if prefix is None or prefix not in PREFIXES[scheme] + OUTSIDE:
            raise ItemError(str(foreign_tag(tag, scheme)), index)
        yield prefix, name


def _split(tag: str) -> tuple[str | None, str]:
    """Returns prefix and type; `None` for a tag without a prefix."""
    letter, name = letter_and_type(tag)
    if tag == OUTSIDE:
        return OUTSIDE, ""
    if tag in BARE_TAGS:
        return letter, name
    if letter in "BIES" and tag[1:2] == "-" and len(tag) > 2:
        return letter, name
    return None, tag


def _check_scheme(scheme: str) -> None:
    if scheme not in SCHEMES:
        raise InputError(
            f"`scheme` must be one of {', '.join(SCHEMES)}. Received: "
            f"{scheme!r}. BILOU is read as IOBES."
        )
