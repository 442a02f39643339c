"""Examples streamed from files with questions about texts."""

import gzip
import json
import os
import zlib
from collections.abc import Iterator
from typing import Any

from keras_bert_zoo.data.examples import Example
from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.data.readers.formats import format_of
from keras_bert_zoo.data.readers.formats import not_empty
from keras_bert_zoo.data.readers.json_lines import json_records
from keras_bert_zoo.data.readers.lines import refuse_pipe
from keras_bert_zoo.errors import InputError

FORMATS = ("json", "jsonl")
_ENDINGS = {f".{name}": name for name in FORMATS}
# Uncompressed; parsed, it takes several times the memory.
MAX_FILE_BYTES = 2**30

_CHUNK_BYTES = 2**20
_GZIP_MAGIC = b"\x1f\x8b"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")


class QuestionFile(Examples):
    """Examples of a file, one a question, read anew at each iteration.

    | format | content | memory |
    | --- | --- | --- |
    | `json` | SQuAD 1.1 or 2.0: articles in `data`, their `paragraphs`, \
each with `context` and `qas` | all of the file, at most 1 GiB uncompressed |
    | `jsonl` | one object a line: `question`, `context` | one line, all ids |

    A question may have, in both formats,

    - `id`: a string or integer, unlike all others; needed in `json`, in
      `jsonl` the line's number if left out;
    - `answers`: a list of `{"text": "...", "answer_start": 0}`, or
      `{"text": [...], "answer_start": [...]}`; the start counts the
      context's characters (code points). An empty list says that the context
      has no answer;
    - `is_impossible`: whether that is so, in agreement with the answers.

    Other keys, such as `plausible_answers`, are ignored. Whether answers
    stand at their start is not checked: see `alignment_report`. Files are
    UTF-8, with or without a byte-order mark, and may be gzipped.

    The values of an example are `id`, `question`, `context`, and, unless the
    file leaves them out, `answers`, a list of `{"text": "...", "start": 0}`,
    and `impossible`, bool.

    Args:
        path: the file.
        format: `json`, `jsonl`, or `None` to go by the name's ending, which
            may also be `.json.gz` or `.jsonl.gz`.

    Raises:
        InputError: if the format is unknown; at iteration, if the file breaks
            a rule of its format, naming file and position, has no questions, or
            two with one id.
        OSError: at iteration, if the file cannot be read.
    """

    def __init__(self, path: str | os.PathLike, format: str | None = None):
        self.path = os.fspath(path)
        self.format = format_of(self.path, format, _ENDINGS, "questions")

    def __iter__(self) -> Iterator[Example]:
        return not_empty(self._examples(), self.path, "question")

    def _examples(self) -> Iterator[Example]:
        is_json = self.format == "json"
        read = squad_questions if is_json else _line_questions
        seen = set()
        for position, values in read(self.path):
            name = values["id"]
            if name in seen:
                raise InputError(
                    f"{position}: every question must have its own id. "
                    f"Received: {name!r} again. Change or remove one."
                )
            seen.add(name)
            origin = f"{self.path}: question {name}" if is_json else position
            yield Example(values, origin)


def _line_questions(path: str) -> Iterator[tuple[str, dict]]:
    for number, record in json_records(path):
        origin = f"{path}:{number}"
        if "data" in record and "context" not in record:
            raise InputError(
                f'{origin}: each line must have "question" and "context". '
                'Received: "data", as in SQuAD. Read it with the format '
                "json."
            )
        name = record.get("id")
        name = str(number) if name is None else question_id(name, origin)
        context = checked_context(record.get("context"), origin)
        yield origin, {"id": name, **question_values(record, context, origin)}


def checked_context(value: Any, origin: str) -> str:
    """Returns a context.

    Raises:
        InputError: if it is not a string with more than spaces.
    """
    if not isinstance(value, str) or not value.strip():
        raise InputError(
            f'{origin}: "context" must be a string with more than spaces. '
            f"Received: {received(value)}. Give the text to answer from."
        )
    return value


def question_values(record: dict, context: str, origin: str) -> dict:
    """Returns the values of an example, without its id.

    Optional keys may be `null`, which is as leaving them out.

    Args:
        record: has `question`; may have `answers` and `is_impossible`.
        context: str. The text to answer from, checked.
        origin: where the record stands, for messages.

    Returns:
        dict with `question` and `context`, and, unless neither the answers
        are given nor that there are none, `answers`, a list of dicts with
        `text` and `start`, and `impossible`, bool.

    Raises:
        InputError: if a value is missing or of the wrong kind, or answers
            and `is_impossible` contradict each other.
    """
    question = record.get("question")
    if not isinstance(question, str):
        raise InputError(
            f'{origin}: "question" must be a string. Received: '
            f"{received(question)}. Give the question's text."
        )
    values = {"question": question, "context": context}
    impossible = record.get("is_impossible")
    if impossible is not None and not isinstance(impossible, bool):
        raise InputError(
            f'{origin}: "is_impossible" must be true or false. Received: '
            f"{received(impossible)}. Mend it, or leave it out."
        )
    labels = record.get("answers")
    if labels is None:
        # Only false says nothing: the answers may be kept back.
        answers = [] if impossible else None
    else:
        answers = _answers(labels, origin)
        _check_agreement(answers, impossible, origin)
    if answers is not None:
        values["answers"] = answers
        values["impossible"] = not answers
    return values


def question_id(value: Any, origin: str) -> str:
    """Returns an id as str.

    Raises:
        InputError: if it is neither an integer nor a string with content.
    """
    if type(value) is int or isinstance(value, str) and value:
        return str(value)
    raise InputError(
        f'{origin}: "id" must be a string that is not empty. Received: '
        f"{received(value)}. Give each question its own."
    )


def received(value: Any) -> str:
    """Returns how a message shows a value of a file."""
    return "nothing" if value is None else f"{value!r:.60}"


def _answers(given: Any, origin: str) -> list[dict]:
    if isinstance(given, dict):
        given = _transposed(given, origin)
    if not isinstance(given, list):
        raise InputError(
            f'{origin}: "answers" must be a list. Received: '
            f"{received(given)}. A question without answer has []."
        )
    return [
        _answer(answer, f"{origin}.answers[{number}]")
        for number, answer in enumerate(given)
    ]


def _transposed(given: dict, origin: str) -> list[dict]:
    """Turns a dict of lists into a list of dicts."""
    texts, starts = given.get("text"), given.get("answer_start")
    lists = isinstance(texts, list) and isinstance(starts, list)
    if not lists or len(texts) != len(starts):
        raise InputError(
            f'{origin}: "answers" must be a list, or have lists "text" and '
            f'"answer_start" of one length. Received: {received(given)}. '
            "Give each text its start."
        )
    return [
        {"text": text, "answer_start": start}
        for text, start in zip(texts, starts)
    ]


def _answer(given: Any, origin: str) -> dict:
    if not isinstance(given, dict):
        raise InputError(
            f'{origin}: an answer must be an object with "text" and '
            f'"answer_start". Received: {received(given)}. Give both.'
        )
    text, start = given.get("text"), given.get("answer_start")
    if not isinstance(text, str) or not text.strip():
        raise InputError(
            f'{origin}: "text" must be a string with more than spaces. '
            f"Received: {received(text)}. Remove the answer; a question "
            "without any cannot be answered."
        )
    if type(start) is not int:
        raise InputError(
            f'{origin}: "answer_start" must be an integer. Received: '
            f"{received(start)}. Count the context's characters before the "
            "answer."
        )
    return {"text": text, "start": start}


def _check_agreement(
    answers: list, impossible: bool | None, origin: str
) -> None:
    if impossible is not None and impossible == bool(answers):
        raise InputError(
            f"{origin}: a question must have answers, or be impossible, not "
            f'both or neither. Received: "is_impossible" {impossible}, '
            f'{len(answers)} answers. Mend one of the two; "answers" that '
            'are only plausible are called "plausible_answers".'
        )


def squad_questions(path: str | os.PathLike) -> Iterator[tuple[str, dict]]:
    """Yields `(origin, values)` of each question of a file.

    The origin is such as `dev.json: data[3].paragraphs[0].qas[2]`, numbers
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
            for record, origin in _entries(paragraph, "qas", middle):
                name = question_id(record.get("id"), origin)
                values = question_values(record, context, origin)
                yield origin, {"id": name, **values}


def _entries(
    parent: Any, key: str, origin: str, dot: str = "."
) -> Iterator[tuple[dict, str]]:
    """Yields the objects of a list in an object, and their origins."""
    entries = parent.get(key) if isinstance(parent, dict) else None
    if not isinstance(entries, list):
        received_text = (
            received(entries) if isinstance(parent, dict) else "no object"
        )
        raise InputError(
            f"{origin}{dot}{key} must be a list, as in SQuAD: data, "
            f"paragraphs, qas. Received: {received_text}. Mend the file; one "
            "with an object a line is of the format jsonl."
        )
    for number, entry in enumerate(entries):
        inner = f"{origin}{dot}{key}[{number}]"
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
    refuse_pipe(path)
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
            received_text = "a UTF-16 file"
        else:
            # The decoder counts after a byte-order mark, if there is one.
            byte = error.object[error.start]
            line = error.object[: error.start].count(b"\n") + 1
            received_text = f"byte 0x{byte:02x} in line {line}"
        raise InputError(
            f"{path}: text must be valid UTF-8. Received: {received_text}. "
            "Convert the file, for example with iconv -t UTF-8."
        ) from error
