"""Records of JSON Lines files."""

import json
import os
from collections.abc import Iterator

from keras_bert_zoo.data.lines import read_lines
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
