"""How a head's own labels spell spans, whatever the scheme of the data."""

import itertools
from collections.abc import Sequence

from task_heads.tagging.entities import NO_TYPE
from task_heads.tagging.entities import OUTSIDE
from task_heads.tagging.entities import letter_and_type
from task_heads.tagging.schemes import convert

# What labels may have in place of the letters that `convert` writes: those of
# BILOU; and for lack of any, in IOBES, those of the scheme without `E` or `S`.
_OTHER_LETTERS = {"E": "LI", "S": "UB"}


class LabelSet:
    """The labels of a head.

    Those that the project's own heads find are IOB2. A published head may
    have `E-` and `S-`, or `L-` and `U-`, and is then right if it spells spans
    so (`IOBES`); or types without `B-`, whose spans begin with `I-` (`IOB1`).

    Args:
        labels: list of str. Labels in the order of their ids.
        prefixed: bool. Whether they spell spans.

    Attributes:
        scheme: str. The scheme in which they do, or `none`.
        types: list of str. Types of spans, in the order of the labels; the
            labels themselves where they spell none.
    """

    def __init__(self, labels: Sequence[str], prefixed: bool):
        self.ids = {label: place for place, label in enumerate(labels)}
        self.scheme, self.types = "none", list(labels)
        if prefixed:
            self.scheme = own_scheme(labels)
            found = [
                letter_and_type(one)[1] for one in labels if one != OUTSIDE
            ]
            self.types = list(dict.fromkeys(found))

    def spelled(self, tags: Sequence[str], scheme: str) -> list[str]:
        """Returns tags as these labels spell them.

        What none of them spells is returned in their scheme.

        Args:
            tags: of a sentence.
            scheme: str. That of the tags; `none` if that of the labels is.

        Raises:
            InputError: if a tag is not of the scheme.
        """
        return [self._own(tag) for tag in convert(tags, scheme, self.scheme)]

    def ids_in_spans(self) -> list[list[int]]:
        """Returns label ids by type and by place in a span, `(types, 8)`.

        The place is a sum: 1 for the first word, 2 for the last, 4 if a span
        of the same type ends right before it.
        """
        if self.scheme == "none":
            return [[self.ids[name]] * 8 for name in self.types]
        return [
            [
                self._id_in_span(name, is_first, is_last, touches)
                for touches, is_last, is_first in itertools.product(
                    (False, True), repeat=3
                )
            ]
            for name in self.types
        ]

    def _id_in_span(self, name, is_first, is_last, touches):
        before = [f"B-{name}"] * touches
        first, further = [f"B-{name}"], [f"I-{name}"]
        span = first + further * (not is_first) + further * (not is_last)
        place = len(before) + (not is_first)
        span = before + span
        found = self.spelled(span, "IOB2")[place]
        own = [one for one in self.ids if self._is_of(one, name)]
        # For lack of the right one, B before E, I and S.
        return self.ids[found if found in self.ids else min(own)]

    def _is_of(self, label, name):
        return label != OUTSIDE and letter_and_type(label)[1] == name

    def _own(self, tag):
        if tag in self.ids or tag == OUTSIDE or self.scheme == "none":
            return tag
        letter, name = letter_and_type(tag)
        letters = letter + _OTHER_LETTERS.get(letter, "")
        if self.scheme == "IOB1" and letter == "B":
            letters += "I"
        others = [f"{one}-{name}" for one in letters]
        if name == NO_TYPE:
            others += letters
        return next((one for one in others if one in self.ids), tag)


def own_scheme(labels: Sequence[str]) -> str:
    """Returns the scheme of labels that all have a prefix, but for `O`."""
    types = {"B": set(), "I": set()}
    for label in labels:
        letter, name = letter_and_type(label)
        if letter in "ES":
            return "IOBES"
        if letter != OUTSIDE:
            types[letter].add(name)
    return "IOB2" if types["I"] <= types["B"] else "IOB1"
