"""The marked spans of a text, however they are written."""

from collections.abc import Mapping
from typing import Any

from keras_bert_zoo.errors import InputError

_FIELDS = ("start", "end", "label")


def marked_spans(listed: Any) -> list[tuple[int, int, str]]:
    """Returns the spans of a text by where they start.

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
    """Returns `(start, end, label)` from that, a list of it, or a dict.

    Raises:
        InputError: if a part is missing or of another type.
    """
    if isinstance(entry, Mapping) and all(key in entry for key in _FIELDS):
        start, end, label = (entry[key] for key in _FIELDS)
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
        hasattr(place, "__index__") and not isinstance(place, bool)
        for place in (start, end)
    ):
        raise InputError(
            "start and end of a span must be integers. Received: "
            f"{start!r:.60} and {end!r:.60}. Count the text's characters."
        )
    return int(start), int(end), label
