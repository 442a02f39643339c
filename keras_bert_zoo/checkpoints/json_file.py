"""Reads JSON objects that others wrote."""

import json
import os
import pathlib

from keras_bert_zoo.errors import InputError

MOST_BYTES = 64 * 2**20


def read_json(path: str | os.PathLike) -> dict:
    """Returns the object that a JSON file holds.

    Raises:
        InputError: if the file is missing, larger than 64 MiB, not UTF-8,
            not JSON, or holds something other than an object.
    """
    path = pathlib.Path(path)
    try:
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(
            f"{path} must be a readable file. Received: {error.strerror}. "
            "Check that the directory is complete."
        ) from error
    if len(content) > MOST_BYTES:
        raise InputError(
            f"{path} must not exceed {MOST_BYTES} bytes. Received more. Check "
            "that it is the right file."
        )
    try:
        value = json.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path} must be JSON in UTF-8. Received: {error}. Fetch or "
            "write the file again."
        ) from error
    if not isinstance(value, dict):
        raise InputError(
            f"{path} must hold a JSON object. Received: a "
            f"{type(value).__name__}. Check that it is the right file."
        )
    return value
