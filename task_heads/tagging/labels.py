"""The labels of the tagging head: rules, parsing, and how they spell spans."""

import itertools
import re
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

from keras_bert_zoo import arguments
from keras_bert_zoo.data.examples import UnseenLabel
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.errors import ItemError
from keras_bert_zoo.errors import UnseenTagError
from task_heads.tagging.examples import spans_of
from task_heads.tagging.examples import tags_of
from task_heads.tagging.schemes import BARE_TAGS
from task_heads.tagging.schemes import NO_TYPE
from task_heads.tagging.schemes import OUTSIDE
from task_heads.tagging.schemes import SCHEMES
from task_heads.tagging.schemes import convert
from task_heads.tagging.schemes import count_invalid
from task_heads.tagging.schemes import detect_scheme
from task_heads.tagging.schemes import letter_and_type

# What labels may have in place of the letters that `convert` writes: those of
# BILOU; and for lack of any, in IOBES, those of the scheme without `E` or `S`.
_OTHER_LETTERS = {"E": "LI", "S": "UB"}
_PREFIX = re.compile("[BIESLU]-.")
# Most labels that an error message lists.
SHOWN_LABELS = 20


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
        self.ids = {label: index for index, label in enumerate(labels)}
        self.scheme, self.types = "none", list(labels)
        if prefixed:
            self.scheme = own_scheme(labels)
            types_of_labels = [
                letter_and_type(label)[1]
                for label in labels
                if label != OUTSIDE
            ]
            self.types = list(dict.fromkeys(types_of_labels))

    def spelled(self, tags: Sequence[str], scheme: str) -> list[str]:
        """Converts tags to the scheme and letters of these labels.

        What none of them spells is returned in their scheme.

        Args:
            tags: of a sentence.
            scheme: str. That of the tags; `none` if that of the labels is.

        Raises:
            InputError: if a tag is not of the scheme.
        """
        return [self._own(tag) for tag in convert(tags, scheme, self.scheme)]

    def ids_in_spans(self) -> list[list[int]]:
        """Returns label ids by type and by position in a span, `(types, 8)`.

        The position is a sum: 1 for the first word, 2 for the last, 4 if a span
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
        first, inner = [f"B-{name}"], [f"I-{name}"]
        span = first + inner * (not is_first) + inner * (not is_last)
        index = len(before) + (not is_first)
        span = before + span
        spelled = self.spelled(span, "IOB2")[index]
        of_type = [label for label in self.ids if self._is_of(label, name)]
        # For lack of the right one, B before E, I and S.
        return self.ids[spelled if spelled in self.ids else min(of_type)]

    def _is_of(self, label, name):
        return label != OUTSIDE and letter_and_type(label)[1] == name

    def _own(self, tag):
        if tag in self.ids or tag == OUTSIDE or self.scheme == "none":
            return tag
        letter, name = letter_and_type(tag)
        letters = letter + _OTHER_LETTERS.get(letter, "")
        if self.scheme == "IOB1" and letter == "B":
            letters += "I"
        others = [f"{letter}-{name}" for letter in letters]
        if name == NO_TYPE:
            others += letters
        return next(
            (candidate for candidate in others if candidate in self.ids), tag
        )


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


class Found(NamedTuple):
    """What the tags of a data set need.

    Attributes:
        scheme: str. How the tags spell entities.
        labels: list of str. Labels of a head for them.
    """

    scheme: str
    labels: list[str]


def find_labels(examples: Iterable, scheme: str | None, strict: bool) -> Found:
    """Returns the scheme of examples and the labels that a head needs for them.

    Args:
        examples: examples with `values` (`tags`, or `spans` of a text) and
            `origin`.
        scheme: the scheme, or `None` to recognize it.
        strict: bool. Whether tags that break it are refused; they are
            mended otherwise.

    Raises:
        InputError: if an example has neither tags nor spans, or a tag breaks
            the scheme and `strict` is true.
    """
    if scheme is None:
        scheme = _scheme_of_examples(examples)
    types, tags = set(), set()
    read = "no example"
    for example in examples:
        read = f"{OUTSIDE} for every word, up to {example.origin}"
        example_tags = _tags(example)
        types.update(_span_types(example))
        if scheme == "none":
            tags.update(example_tags)
            # Words outside of spans need a label.
            tags.update(
                [OUTSIDE] if example.values.get("tokens") is None else []
            )
            continue
        try:
            invalid = count_invalid(example_tags, scheme)
        except InputError as error:
            raise InputError(f"{example.origin_of(error)}: {error}") from error
        if invalid and strict:
            raise _invalid(example.origin, example_tags, scheme)
        types.update(_types(convert(example_tags, scheme, "IOB2")))
        if example_tags and NO_TYPE in types and len(types) > 1:
            raise InputError(
                f"{example.origin}: either all tags but {OUTSIDE} must have a "
                "type, as in B-person, or none. Received: "
                f"{' '.join(example_tags[:SHOWN_LABELS])}, and types before or "
                "after. Mend the odd ones."
            )
    if scheme == "none":
        outside = tags & {OUTSIDE}
        return Found(scheme, [*outside, *sorted((tags | types) - outside)])
    if not types:
        raise InputError(
            "Examples to learn from must have at least one entity or span. "
            f"Received: {read}. Check the column of the tags."
        )
    return Found(scheme, labels_of(types))


def labels_of(types: Iterable[str]) -> list[str]:
    """Returns `O` and the IOB2 tags of the types, sorted."""
    types = set(types)
    if types == {NO_TYPE}:
        return [OUTSIDE, "B", "I"]
    prefixed = [f"{p}-{name}" for name in sorted(types) for p in "BI"]
    return [OUTSIDE, *prefixed]


def scheme_of(labels: Iterable[str]) -> str:
    """Returns how labels spell spans; `none` if one but `O` has no prefix."""
    prefixed = all(
        tag == OUTSIDE or tag in BARE_TAGS or _PREFIX.match(tag)
        for tag in labels
    )
    return own_scheme(labels) if prefixed and OUTSIDE in labels else "none"


def checked(labels: Sequence[str] | None, scheme: str) -> list[str]:
    """Returns the labels as a list.

    Raises:
        InputError: if the scheme is unknown, there are fewer than two
            labels, one is twice, empty or no string; or, where the scheme
            has prefixes, if a label other than `O` has none.
    """
    if scheme not in SCHEMES:
        raise InputError(
            f"`scheme` must be one of {', '.join(SCHEMES)}. Received: "
            f"{scheme!r}. Leave it out to have it recognized."
        )
    if isinstance(labels, str) or not isinstance(labels, Iterable):
        raise InputError(
            f"`labels` must be a list of tags. Received: {labels!r:.60}. Give "
            "them in a list, or use TaggingHead.from_examples."
        )
    labels = list(labels)
    proper = all(
        isinstance(label, str) and arguments.unicode_label(label)
        for label in labels
    )
    if len(labels) < 2 or not proper or len(set(labels)) < len(labels):
        raise InputError(
            "`labels` must be at least 2 different, non-empty tags. "
            f"Received: {labels}. Rename or remove labels."
        )
    if scheme == "none":
        return labels
    if scheme_of(labels) == "none":
        raise InputError(
            "`labels` must be O and tags such as B-person and I-person. "
            f"Received: {labels}. Build them with TaggingHead.from_examples, "
            "or choose scheme='none' for tags without prefixes."
        )
    return labels


def parse_tags(
    tags: Any, scheme: str, labels: LabelSet, strict: bool
) -> list[int]:
    """Returns the label ids of a sentence's tags.

    Raises:
        InputError: if a tag is unknown or, with `strict`, breaks the scheme.
    """
    if strict and count_invalid(tags, scheme):
        raise _invalid(None, tags, scheme)
    spelled = labels.spelled(tags, scheme)
    for index, tag in enumerate(spelled):
        if isinstance(tags[index], UnseenLabel):
            # Its sentence weighs nothing.
            spelled[index] = next(iter(labels.ids))
        elif tag not in labels.ids:
            raise UnseenTagError(
                f"A tag must be one of the head's {_listed(labels.ids)}. "
                f"Received: {tags[index]!r} at word {index + 1}. Correct it, "
                "or train with examples that have it.",
                index,
            )
    return [labels.ids[tag] for tag in spelled]


def mark_unseen(tags: Sequence[str], scheme: str, labels: LabelSet) -> list:
    """Returns tags, those that the head does not know as `UnseenLabel`s."""
    spelled = labels.spelled(tags, scheme)
    return [
        tag if own in labels.ids else UnseenLabel(tag)
        for tag, own in zip(tags, spelled, strict=True)
    ]


def _types(tags: Iterable[str]) -> set[str]:
    return {letter_and_type(tag)[1] for tag in tags if tag != OUTSIDE}


def _scheme_of_examples(examples: Iterable) -> str:
    example = None

    def watched():
        nonlocal example
        for example in examples:
            yield _tags(example)

    try:
        return detect_scheme(watched())
    except ItemError as error:
        raise InputError(f"{example.origin_of(error)}: {error}") from error


def _span_types(example) -> set[str]:
    if example.values.get("tokens") is not None:
        return set()
    try:
        return {label for *_, label in spans_of(example.values)}
    except InputError as error:
        raise InputError(f"{example.origin}: {error}") from error


def _tags(example) -> list:
    try:
        return tags_of(example.values) or []
    except InputError as error:
        raise InputError(f"{example.origin}: {error}") from error


def _invalid(origin, tags, scheme) -> InputError:
    prefix = "" if origin is None else f"{origin}: "
    listed = " ".join(tags[:SHOWN_LABELS])
    return InputError(
        f"{prefix}tags must follow the scheme {scheme}. Received: {listed}"
        f"{' ...' if len(tags) > SHOWN_LABELS else ''}. Correct them, or "
        "leave out `strict` to read them leniently."
    )


def _listed(labels: Iterable[str]) -> str:
    labels = list(labels)
    more = ", ..." if len(labels) > SHOWN_LABELS else ""
    return ", ".join(labels[:SHOWN_LABELS]) + more
