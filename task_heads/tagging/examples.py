"""One example to tag, as plain values: words and tags, or a text and spans."""

import collections
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_bert_zoo.data.examples import UnseenLabel
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.errors import UnseenLabelError
from task_heads.tagging.schemes import OUTSIDE

_FIELDS = ("start", "end", "label")
_DOCCANO = ("start_offset", "end_offset", "label")


def tagging_example(
    values: Mapping[str, Any],
    with_label: bool,
    parse_tags: Callable[[list[str]], list[int]],
    types: Sequence[str],
    labels: Sequence[str],
) -> dict:
    """Returns the fields of an example; see `TaskHead.example`.

    Args:
        values: `tokens`, and `tags` with a label; or `text`, and `spans`.
        with_label: bool. Whether tags or spans are read.
        parse_tags: function from tags to label ids.
        types: the types of spans that the head knows.
        labels: the labels of words that it knows.

    Returns:
        dict with `text`; `word_starts` in bytes, none for a plain text; and,
        with a label, `tags`, `span_starts` and `span_ends` in bytes, and
        `span_types`, each a list and empty where the example has it not.

    Raises:
        InputError: if a field is missing or its value is not allowed.
    """
    tokens = values.get("tokens")
    text = values.get("text")
    if tokens is None:
        if not isinstance(text, str):
            raise InputError(
                "An example to tag must have a `text`, or a list of `tokens`. "
                f"Received: {text!r} of type {type(text).__name__}. Give one."
            )
        example = {"text": text, "word_starts": []}
    else:
        example = _joined(tokens)
        if text not in (None, example["text"]):
            raise InputError(
                "An example to tag must have either a `text` or `tokens`. "
                f"Received: {text!r:.60} and {tokens!r:.60}, which differ. "
                "Leave one out."
            )
    if not with_label:
        return example
    example["tags"] = []
    example |= dict.fromkeys(("span_starts", "span_ends", "span_types"), [])
    if tokens is None:
        if OUTSIDE not in labels:
            raise InputError(
                f"A head that learns spans must have the label {OUTSIDE}, of "
                "words in none. Received: an example of spans, and the labels "
                f"{', '.join(labels):.60}. Give tokens and tags."
            )
        return example | _spans(text, values, types)
    tags = named_tags(tags_of(values), labels)
    if len(tags) != len(tokens):
        raise InputError(
            "An example must have one tag for each token. Received: "
            f"{len(tokens)} tokens, {len(tags)} tags. Correct the example."
        )
    return example | {"tags": parse_tags(tags)}


def count_labels(
    examples: Iterable[Mapping[str, Any]],
    ids_in_spans: Sequence[Sequence[int]],
    outside: int,
) -> collections.Counter:
    """Returns how many words have each label.

    In examples of spans, words are split at white space here: the
    tokenizer may find more, and their number is an estimate.

    Args:
        examples: what `tagging_example` returned.
        ids_in_spans: see `LabelSet.ids_in_spans`.
        outside: int. The label of words in no span.
    """
    counts: collections.Counter = collections.Counter()
    for example in examples:
        if example["tags"] or example["word_starts"]:
            counts.update(example["tags"])
            continue
        text = example["text"].encode()
        num_outside = len(text.split())
        for start, end, kind in zip(
            example["span_starts"], example["span_ends"], example["span_types"]
        ):
            num_words = len(text[start:end].split())
            for index in range(num_words):
                is_last = index == num_words - 1
                counts[ids_in_spans[kind][(index == 0) + 2 * is_last]] += 1
            num_outside -= num_words
        counts[outside] += max(num_outside, 0)
    return counts


def _joined(tokens: Any) -> dict:
    proper = isinstance(tokens, Sequence) and not isinstance(tokens, str)
    if not proper or not tokens:
        raise InputError(
            "`tokens` must be a list of at least one word. Received: "
            f"{tokens!r:.60}. Leave out empty sentences."
        )
    starts = []
    num_bytes = 0
    for token in tokens:
        if not isinstance(token, str) or not token:
            raise InputError(
                f"A token must be a word. Received: {token!r} of type "
                f"{type(token).__name__}. Remove it, and its tag."
            )
        starts.append(num_bytes)
        num_bytes += _num_bytes(token) + 1
    return {"text": " ".join(tokens), "word_starts": starts}


def _spans(text: str, values: Mapping[str, Any], types: Sequence[str]) -> dict:
    starts, ends, ids = [], [], []
    for start, end, name in spans_of(values):
        if isinstance(name, UnseenLabel):
            continue
        if name not in types:
            raise UnseenLabelError(
                f"A span's label must be one of {', '.join(types)}. "
                f"Received: {name!r} at {start}. Correct it, or train with "
                "examples that have it."
            )
        if not 0 <= start < end <= len(text) or (
            ends and _num_bytes(text[:start]) < ends[-1]
        ):
            raise InputError(
                "Spans must lie within the text and not overlap. Received: "
                f"({start}, {end}, {name!r}) in {len(text)} characters. "
                "Correct it."
            )
        starts.append(_num_bytes(text[:start]))
        ends.append(_num_bytes(text[:end]))
        ids.append(types.index(name))
    return {"span_starts": starts, "span_ends": ends, "span_types": ids}


def _num_bytes(text: str) -> int:
    # A lone surrogate is refused later, with the example's origin.
    return len(text.encode("utf-8", "surrogatepass"))


def tags_of(values: Mapping[str, Any]) -> list | None:
    """Returns the tags of an example's tokens; `None` for an example of a text.

    Raises:
        InputError: if they are no list, or the example marks spans as well.
    """
    if values.get("tokens") is None:
        return None
    if values.get("spans") is not None:
        raise InputError(
            "An example must have `tokens` and `tags`, or a `text` and "
            "`spans`. Received: tokens and spans. Leave one out."
        )
    tags = values.get("tags")
    if hasattr(tags, "tolist"):  # an array
        tags = tags.tolist()
    if not isinstance(tags, list | tuple):
        received = "none" if tags is None else f"{tags!r:.60}"
        raise InputError(
            "An example to learn from, or to score, must have `tags`, a list "
            f"with one for each token. Received: {received}. Add them, or "
            "remove the example."
        )
    return list(tags)


def named_tags(tags: Sequence, labels: Sequence[str]) -> list:
    """Returns tags by name; whole numbers are indices of the labels.

    Where labels are called by numbers, a number is a name.
    """
    numbered = any(label.isdecimal() for label in labels)

    def name(tag):
        is_index = isinstance(tag, int | np.integer)
        if not is_index or isinstance(tag, bool):
            return tag
        if numbered or not 0 <= tag < len(labels):
            return str(tag)
        return labels[tag]

    return [name(tag) for tag in tags]


def spans_of(values: Mapping[str, Any]) -> list[tuple[int, int, str]]:
    """Returns the spans marked in an example's text; see `marked_spans`.

    They stand in `spans`, or in `tags`, where an example's label is given under
    the one name that all examples have for it.

    Raises:
        InputError: if there is no such list.
    """
    field = "tags" if values.get("spans") is None else "spans"
    if values.get(field) is None:
        raise InputError(
            "An example to learn from, or to score, must have `spans` beside "
            "its `text`, or `tokens` and `tags`. Received: "
            f"{', '.join(values)}. A text without any span has an empty list."
        )
    return marked_spans(values[field])


def marked_spans(listed: Any) -> list[tuple[int, int, str]]:
    """Returns the spans of a text, sorted by their start.

    Args:
        listed: a list of what `span_of` takes.

    Raises:
        InputError: if it is none.
    """
    if not isinstance(listed, list | tuple):
        raise InputError(
            f"'spans' must be a list. Received: {listed!r:.60}. A text "
            "without any has []."
        )
    return sorted(map(span_of, listed))


def span_of(entry: Any) -> tuple[int, int, str]:
    """Returns `(start, end, label)` from a tuple, a list or a dict.

    Raises:
        InputError: if a part is missing or of another type.
    """
    if isinstance(entry, Mapping) and all(key in entry for key in _FIELDS):
        start, end, label = (entry[key] for key in _FIELDS)
    elif isinstance(entry, Mapping) and all(key in entry for key in _DOCCANO):
        start, end, label = (entry[key] for key in _DOCCANO)
    elif isinstance(entry, list | tuple) and len(entry) == len(_FIELDS):
        start, end, label = entry
    else:
        raise InputError(
            'a span must be {"start": 0, "end": 5, "label": "..."} or [0, 5, '
            f'"..."]. Received: {entry!r:.60}. Give all three.'
        )
    if not isinstance(label, str) or not label:
        raise InputError(
            "a span's label must be a string that is not empty. Received: "
            f"{label!r:.60}. Write the label's name."
        )
    # NumPy's integers are as good; True and 2.0 are mistakes.
    if not all(
        hasattr(offset, "__index__") and not isinstance(offset, bool)
        for offset in (start, end)
    ):
        raise InputError(
            "start and end of a span must be integers. Received: "
            f"{start!r:.60} and {end!r:.60}. Count the text's characters."
        )
    return int(start), int(end), label
