"""Rows streamed from files with questions about texts."""

import os
from collections.abc import Iterator

from keras_bert_zoo.data.file_formats import format_of
from keras_bert_zoo.data.file_formats import not_empty
from keras_bert_zoo.data.json_lines import json_records
from keras_bert_zoo.data.rows import Row
from keras_bert_zoo.data.rows import Rows
from keras_bert_zoo.errors import InputError
from task_heads.span_qa.questions import checked_context
from task_heads.span_qa.questions import question_id
from task_heads.span_qa.questions import question_values
from task_heads.span_qa.squad_json import squad_questions

FORMATS = ("json", "jsonl")
_ENDINGS = {f".{name}": name for name in FORMATS}


class QuestionFile(Rows):
    """Rows of a file, one a question, read anew at each iteration.

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

    The values of a row are `id`, `question`, `context`, and, unless the file
    leaves them out, `answers`, a list of `{"text": "...", "start": 0}`, and
    `impossible`, bool.

    Args:
        path: the file.
        format: `json`, `jsonl`, or `None` to go by the name's ending, which
            may also be `.json.gz` or `.jsonl.gz`.

    Raises:
        InputError: if the format is unknown; at iteration, if the file breaks
            a rule of its format, naming file and place, has no questions, or
            two with one id.
        OSError: at iteration, if the file cannot be read.
    """

    def __init__(self, path: str | os.PathLike, format: str | None = None):
        self.path = os.fspath(path)
        self.format = format_of(self.path, format, _ENDINGS, "questions")

    def __iter__(self) -> Iterator[Row]:
        return not_empty(self._rows(), self.path, "question")

    def _rows(self) -> Iterator[Row]:
        is_json = self.format == "json"
        read = squad_questions if is_json else _line_questions
        seen = set()
        for place, values in read(self.path):
            name = values["id"]
            if name in seen:
                raise InputError(
                    f"{place}: every question must have its own id. "
                    f"Received: {name!r} again. Change or remove one."
                )
            seen.add(name)
            origin = f"{self.path}: question {name}" if is_json else place
            yield Row(values, origin)


def _line_questions(path: str) -> Iterator[tuple[str, dict]]:
    for number, record in json_records(path):
        place = f"{path}:{number}"
        if "data" in record and "context" not in record:
            raise InputError(
                f'{place}: each line must have "question" and "context". '
                'Received: "data", as in SQuAD. Read it with the format '
                "json."
            )
        name = record.get("id")
        name = str(number) if name is None else question_id(name, place)
        context = checked_context(record.get("context"), place)
        yield place, {"id": name, **question_values(record, context, place)}
