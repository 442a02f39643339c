"""Rows of files that hold the labels of several tasks."""

import os
from collections.abc import Iterator
from collections.abc import Mapping

from keras_bert_zoo.data.file_formats import format_of
from keras_bert_zoo.data.file_formats import not_empty
from keras_bert_zoo.data.json_lines import json_records
from keras_bert_zoo.data.rows import Row
from keras_bert_zoo.data.rows import Rows
from keras_bert_zoo.errors import InputError


class RecordFile(Rows):
    """Rows of a JSON Lines file with all of their keys as values.

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

    def __iter__(self) -> Iterator[Row]:
        return not_empty(self._rows(), self.path, "row")

    def _rows(self):
        for number, record in json_records(self.path):
            missing = [key for key in self.names.values() if key not in record]
            if missing:
                raise InputError(
                    f"{self.path}:{number}: each line must have the keys "
                    f"that were named. Received: {', '.join(record):.80}, "
                    f"without {', '.join(missing)}. Name others, or add them."
                )
            renamed = {field: record[key] for field, key in self.names.items()}
            yield Row({**record, **renamed}, f"{self.path}:{number}")
