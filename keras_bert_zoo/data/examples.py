"""Checked examples from rows: the last step that runs in Python."""

from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any

from keras_bert_zoo.data.rows import Row
from keras_bert_zoo.data.rows import check_reiterable
from keras_bert_zoo.errors import InputError


def read_examples(
    rows: Iterable[Row], head: Any, with_label: bool
) -> Iterator[dict]:
    """Yields what `head.example` makes of each row, texts as UTF-8 bytes.

    Raises:
        InputError: if a row breaks a rule, naming its origin, or if `rows`
            can be read only once.
    """
    check_reiterable(rows)
    spec = head.example_spec(with_label)
    texts = [name for name, (dtype, _) in spec.items() if dtype == "string"]
    for row in rows:
        try:
            example = dict(head.example(row.values, with_label))
        except InputError as error:
            raise InputError(f"{row.place_of(error)}: {error}") from error
        for name in texts:
            example[name] = _encode(example[name], name, row.origin)
        yield example


def _encode(text: str, name: str, origin: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        code = ord(text[error.start])
        raise InputError(
            f"{origin}: {name!r} must be valid Unicode. Received: the lone "
            f"surrogate U+{code:04X} at character {error.start + 1}. Write "
            "both halves of the pair, or remove it."
        ) from error
