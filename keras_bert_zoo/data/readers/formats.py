"""File formats by name or suffix, and the error for an empty file."""

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping

from keras_bert_zoo.data.examples import Example
from keras_bert_zoo.errors import InputError


def format_of(
    path: str, format: str | None, endings: Mapping[str, str], kind: str
) -> str:
    """Returns the format of a file.

    Args:
        path: the file.
        format: its format, or `None` to go by the name's ending.
        endings: ending of a name, such as `.tsv` -> format. Each may be
            followed by `.gz`.
        kind: what the file holds, for messages: `data`, `tags`.

    Raises:
        InputError: if the format, or the ending, is unknown.
    """
    formats = tuple(dict.fromkeys(endings.values()))
    if format in formats:
        return format
    if format is not None:
        raise InputError(
            f"`format` must be one of {', '.join(formats)}. Received: "
            f"format={format!r}. Leave it out to go by the file's name."
        )
    stem = path.lower().removesuffix(".gz")
    for ending, known_format in endings.items():
        if stem.endswith(ending):
            return known_format
    *others, last = endings
    known = (
        f"{', '.join(others)} or {last} (each also"
        if others
        else f"{last} (also"
    )
    raise InputError(
        f"The name of a file with {kind} must end with {known} .gz). "
        f"Received: {path}. Rename it, or give the format."
    )


def not_empty(
    examples: Iterable[Example], path: str, kind: str
) -> Iterator[Example]:
    """Yields the examples of a file.

    Args:
        examples: its examples.
        path: the file.
        kind: what an example is, for messages: `question`, `sentence`.

    Raises:
        InputError: at the end, if there was none.
    """
    empty = True
    for example in examples:
        empty = False
        yield example
    if empty:
        raise InputError(
            f"{path}: a file must have at least one {kind}. Received: none. "
            "Check that it was written to the end."
        )
