"""Questions of files in the JSON of SQuAD 1.1 and 2.0."""

import gzip
import json
import os
import zlib
from collections.abc import Iterator
from typing import Any

from keras_bert_zoo.errors import InputError
from task_heads.span_qa.questions import checked_context
from task_heads.span_qa.questions import question_id
from task_heads.span_qa.questions import question_values
from task_heads.span_qa.questions import received

# Uncompressed; parsed, it takes several times the memory.
MAX_FILE_BYTES = 2**30

_CHUNK_BYTES = 2**20
_GZIP_MAGIC = b"\x1f\x8b"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")


def squad_questions(path: str | os.PathLike) -> Iterator[tuple[str, dict]]:
    """Yields `(place, values)` of each question of a file.

    The place is such as `dev.json: data[3].paragraphs[0].qas[2]`, numbers
    from 0. JSON of this form is one value, so the file is read whole.

    Raises:
        InputError: if the file is too large, damaged, not UTF-8, not JSON,
            or not of SQuAD's structure.
        OSError: if the file cannot be opened or read.
    """
    content = _parsed(path)
    for article, outer in _entries(content, "data", f"{path}: ", ""):
        for paragraph, middle in _entries(article, "paragraphs", outer):
            context = checked_context(paragraph.get("context"), middle)
            for record, place in _entries(paragraph, "qas", middle):
                name = question_id(record.get("id"), place)
                values = question_values(record, context, place)
                yield place, {"id": name, **values}


def _entries(
    parent: Any, key: str, place: str, dot: str = "."
) -> Iterator[tuple[dict, str]]:
    """Yields the objects of a list in an object, and their places."""
    entries = parent.get(key) if isinstance(parent, dict) else None
    if not isinstance(entries, list):
        found = received(entries) if isinstance(parent, dict) else "no object"
        raise InputError(
            f"{place}{dot}{key} must be a list, as in SQuAD: data, "
            f"paragraphs, qas. Received: {found}. Mend the file; one with an "
            "object a line is of the format jsonl."
        )
    for number, entry in enumerate(entries):
        inner = f"{place}{dot}{key}[{number}]"
        if not isinstance(entry, dict):
            raise InputError(
                f"{inner} must be an object. Received: {received(entry)}. "
                "Mend or remove it."
            )
        yield entry, inner


def _parsed(path: str | os.PathLike) -> Any:
    text = _decoded(_read(path), path)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: the file must be one JSON value. Received invalid "
            f"JSON: {error}. Fetch it again if it was cut short; one with an "
            "object a line is of the format jsonl."
        ) from error


def _read(path: str | os.PathLike) -> bytearray:
    content = bytearray()
    with open(path, "rb") as probe:
        zipped = probe.read(2) == _GZIP_MAGIC
    zipped = zipped or os.fspath(path).lower().endswith(".gz")
    try:
        with gzip.open(path) if zipped else open(path, "rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                content += chunk
                if len(content) > MAX_FILE_BYTES:
                    raise InputError(
                        f"{path}: a JSON file may take at most "
                        f"{MAX_FILE_BYTES} bytes, uncompressed. Received: "
                        "more. Write an object a line (jsonl), which is "
                        "read one at a time, or split the file."
                    )
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(
            f"{path}: a gzip file must be whole. Received one that is "
            f"damaged or cut short after {len(content)} bytes of content: "
            f"{error}. Fetch or compress it again."
        ) from error
    return content


def _decoded(content: bytearray, path: str | os.PathLike) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if content.startswith(_UTF16_BOMS):
            found = "a UTF-16 file"
        else:
            # The decoder counts after a byte-order mark, if there is one.
            byte = error.object[error.start]
            line = error.object[: error.start].count(b"\n") + 1
            found = f"byte 0x{byte:02x} in line {line}"
        raise InputError(
            f"{path}: text must be valid UTF-8. Received: {found}. Convert "
            "the file, for example with iconv -t UTF-8."
        ) from error
