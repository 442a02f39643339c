"""JSON Lines: one object a line."""

import json
import os
from collections.abc import Iterator
from collections.abc import Mapping

from keras_bert_zoo.data.examples import Example
from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.data.readers.formats import format_of
from keras_bert_zoo.data.readers.formats import not_empty
from keras_bert_zoo.data.readers.lines import read_lines
from keras_bert_zoo.errors import InputError


def json_records(path: str | os.PathLike) -> Iterator[tuple[int, dict]]:
    """Yields `(line number, object)` of a file with one object a line.

    Blank lines are skipped.

    Raises:
        InputError: if a line is not JSON or not an object.
    """
    for number, line in read_lines(path):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"{path}:{number}: each line must be one JSON object. "
                f"Received invalid JSON: {error}. Mend the line; line breaks "
                "inside of strings are written as \\n."
            ) from error
        if not isinstance(record, dict):
            raise InputError(
                f"{path}:{number}: each line must be one JSON object. "
                f"Received: {type(record).__name__} {line[:40]}. Name the "
                'values, as in {"text": "...", "label": "..."}.'
            )
        yield number, record


class RecordFile(Examples):
    """Examples of a JSON Lines file with all of their keys as values.

    Files are UTF-8 and may be gzipped.

    Args:
        path: the file.
        format: `jsonl`, or `None` to go by the name's ending.
        names: field -> the key that the file has in its place.

    Raises:
        InputError: if the format is another; at iteration, if a line is not
            a JSON object or lacks a key in `names`, or there is none.
        OSError: at iteration, if the file cannot be read.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        format: str | None = None,
        names: Mapping[str, str] | None = None,
    ):
        self.path = os.fspath(path)
        format_of(self.path, format, {".jsonl": "jsonl"}, "fields")
        self.names = dict(names or {})

    def __iter__(self) -> Iterator[Example]:
        return not_empty(self._examples(), self.path, "example")

    def _examples(self):
        for number, record in json_records(self.path):
            missing = [key for key in self.names.values() if key not in record]
            if missing:
                raise InputError(
                    f"{self.path}:{number}: each line must have the keys "
                    f"that were named. Received: {', '.join(record):.80}, "
                    f"without {', '.join(missing)}. Name others, or add them."
                )
            renamed = {field: record[key] for field, key in self.names.items()}
            yield Example({**record, **renamed}, f"{self.path}:{number}")
