"""What a row says of its words: tags, or the spans that it marks."""

from collections.abc import Mapping
from typing import Any

from keras_bert_zoo.errors import InputError
from task_heads.tagging.marked_spans import marked_spans


def tags_of(values: Mapping[str, Any]) -> list | None:
    """Returns the tags of a row's tokens; `None` for a row of a text.

    Raises:
        InputError: if they are no list, or the row marks spans as well.
    """
    if values.get("tokens") is None:
        return None
    if values.get("spans") is not None:
        raise InputError(
            "A row must have `tokens` and `tags`, or a `text` and `spans`. "
            "Received: tokens and spans. Leave one out."
        )
    tags = values.get("tags")
    if hasattr(tags, "tolist"):  # an array
        tags = tags.tolist()
    if not isinstance(tags, list | tuple):
        received = "none" if tags is None else f"{tags!r:.60}"
        raise InputError(
            "A row to learn from, or to score, must have `tags`, a list with "
            f"one for each token. Received: {received}. Add them, or remove "
            "the row."
        )
    return list(tags)


def spans_of(values: Mapping[str, Any]) -> list[tuple[int, int, str]]:
    """Returns the spans marked in a row's text; see `marked_spans`.

    They stand in `spans`, or in `tags`, where a row's label is given under
    the one name that all rows have for it.

    Raises:
        InputError: if there is no such list.
    """
    field = "tags" if values.get("spans") is None else "spans"
    if values.get(field) is None:
        raise InputError(
            "A row to learn from, or to score, must have `spans` beside its "
            f"`text`, or `tokens` and `tags`. Received: {', '.join(values)}. "
            "A text without any span has an empty list."
        )
    return marked_spans(values[field])
