"""JSON Lines with tagged words, or with texts and spans of characters."""

import os
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from keras_bert_zoo.data.examples import Example
from keras_bert_zoo.data.readers.json_lines import json_records
from keras_bert_zoo.errors import InputError
from task_heads.tagging.examples import span_of

# Doccano's are the last two.
_SPAN_KEYS = ("spans", "entities", "label", "labels")
# What Prodigy's annotators answer to an example that is not to be used.
_REFUSED = ("reject", "ignore")


def annotation_examples(
    path: str | os.PathLike, keys: Mapping[str, str]
) -> Iterator[Example]:
    """Yields the examples of a file; see `TaggedFile`.

    Lines of Prodigy and Doccano are read as they export them; what Prodigy's
    annotators rejected or ignored is skipped.

    Args:
        path: the file.
        keys: `text` and `tags` -> the keys that lines have in place of
            `tokens` or `text`, and of `tags` or `spans`; or fewer.

    Raises:
        InputError: if a line breaks a rule of the format.
    """
    for number, record in json_records(path):
        origin = f"{path}:{number}"
        record = _renamed(record, keys, origin)
        if record.get("answer") in _REFUSED:
            continue
        words = record.get("tokens")
        if isinstance(record.get("text"), str) and _are_objects(words):
            # Prodigy's: its spans are marked in the text.
            del record["tokens"]
        has_words = "tokens" in record
        if has_words == ("text" in record):
            raise InputError(
                f'{origin}: a line must have either "tokens" or "text". '
                f"Received: {_keys(record)}. Give one of the two."
            )
        values = _words(record, origin) if has_words else _text(record, origin)
        yield Example(values, origin)


def _renamed(record: dict, keys: Mapping[str, str], origin: str) -> dict:
    """Returns a line with the usual keys."""
    missing = [key for key in keys.values() if key not in record]
    if missing:
        raise InputError(
            f"{origin}: a line must have the keys that were named. Received: "
            f"{_keys(record)}, without {', '.join(map(repr, missing))}. Name "
            "others, or add them."
        )
    record = dict(record)
    if "text" in keys:
        value = record.pop(keys["text"])
        record["tokens" if isinstance(value, list) else "text"] = value
    if "tags" in keys:
        value = record.pop(keys["tags"])
        record["tags" if "tokens" in record else "spans"] = value
    return record


def _are_objects(words: Any) -> bool:
    return isinstance(words, list) and all(isinstance(w, dict) for w in words)


def _words(record: dict, origin: str) -> dict:
    _refuse(record, _SPAN_KEYS, "tokens", origin)
    tokens = _strings(record["tokens"], "tokens", origin)
    if not tokens:
        raise InputError(
            f'{origin}: "tokens" must have at least one word. Received: []. '
            "Remove the line."
        )
    if "tags" not in record:
        return {"tokens": tokens}
    tags = _strings(record["tags"], "tags", origin)
    if len(tags) != len(tokens):
        raise InputError(
            f"{origin}: there must be a tag for each token. Received: "
            f"{len(tokens)} tokens, {len(tags)} tags. Mend the line."
        )
    return {"tokens": tokens, "tags": tags}


def _text(record: dict, origin: str) -> dict:
    _refuse(record, ("tags",), "text", origin)
    text = record["text"]
    if not isinstance(text, str) or not text.strip():
        raise InputError(
            f'{origin}: "text" must be a string with more than spaces. '
            f"Received: {text!r:.60}. Mend or remove the line."
        )
    keys = [key for key in _SPAN_KEYS if key in record]
    if not keys:
        return {"text": text}
    if len(keys) > 1:
        raise InputError(
            f"{origin}: a line must have one of "
            f"{', '.join(map(repr, _SPAN_KEYS))}. Received: "
            f"{', '.join(map(repr, keys))}. Remove one."
        )
    listed = record[keys[0]]
    if not isinstance(listed, list):
        raise InputError(
            f"{origin}: {keys[0]!r} must be a list. Received: "
            f"{listed!r:.60}. A text without any has []."
        )
    spans = sorted(_span(entry, text, origin) for entry in listed)
    for before, after in zip(spans, spans[1:]):
        if after[0] < before[1]:
            raise InputError(
                f"{origin}: spans must not overlap. Received: "
                f"{list(before)} and {list(after)}. Keep one of the two."
            )
    return {"text": text, "spans": spans}


def _span(entry: Any, text: str, origin: str) -> tuple[int, int, str]:
    try:
        start, end, label = span_of(entry)
    except InputError as error:
        raise InputError(f"{origin}: {error}") from error
    if not 0 <= start < end <= len(text):
        raise InputError(
            f"{origin}: a span must start at 0 or later, end after its "
            f"start, and end within the text's {len(text)} characters. "
            f"Received: start={start}, end={end}, label={label!r:.60}. "
            "Count code points, not bytes, and the end exclusive."
        )
    if not text[start:end].strip():
        raise InputError(
            f"{origin}: a span must cover more than spaces. Received: "
            f"start={start}, end={end}, label={label!r:.60}. Mend its ends."
        )
    return start, end, label


def _strings(value: Any, key: str, origin: str) -> list[str]:
    if not isinstance(value, list):
        raise InputError(
            f"{origin}: {key!r} must be a list of strings. Received: "
            f"{value!r:.60}. Write one for each word."
        )
    for number, entry in enumerate(value, start=1):
        if not isinstance(entry, str) or not entry:
            raise InputError(
                f"{origin}: {key!r} must have strings that are not empty. "
                f"Received: {entry!r:.60} as number {number}. Mend the line."
            )
    return value


def _refuse(record: dict, keys: tuple[str, ...], key: str, origin: str):
    for other in keys:
        if other in record:
            raise InputError(
                f"{origin}: a line with {key!r} must not have {other!r}. "
                f"Received: {_keys(record)}. Tags belong to tokens, spans to "
                "a text."
            )


def _keys(record: dict) -> str:
    return ", ".join(repr(key[:40]) for key in record) or "no keys"
