"""Rows streamed from files with tagged words or marked texts."""

import os
from collections.abc import Iterator
from collections.abc import Mapping

from keras_bert_zoo.data.file_formats import format_of
from keras_bert_zoo.data.file_formats import not_empty
from keras_bert_zoo.data.rows import Row
from keras_bert_zoo.data.rows import Rows
from keras_bert_zoo.errors import InputError
from task_heads.tagging.annotations import annotation_rows
from task_heads.tagging.word_lines import conll_rows
from task_heads.tagging.word_lines import conllu_rows

FORMATS = ("conll", "conllu", "jsonl")

_WORD_LINES = {"conll": conll_rows, "conllu": conllu_rows}
_ENDINGS = {
    **dict.fromkeys(
        (".conll", ".txt", ".tsv", ".bio", ".iob", ".iob2", ".iobes"), "conll"
    ),
    ".conllu": "conllu",
    ".jsonl": "jsonl",
}


class TaggedFile(Rows):
    """Rows of a file, one a sentence, read anew at each iteration.

    | format | a line | values of a row |
    | --- | --- | --- |
    | `conll` | a word and its tag; a blank line ends the sentence | \
`tokens`, `tags`: lists |
    | `conllu` | the same in the ten columns of Universal Dependencies | \
`tokens`, `tags`: lists |
    | `jsonl` | `{"tokens": [...], "tags": [...]}` | `tokens`, `tags`: lists |
    | `jsonl` | `{"text": "...", "spans": [...]}` | `text`, `spans`: list of \
`(start, end, label)` |

    In `conll` the fields of a line are separated by tabs if it has any, else
    by spaces, and each line has as many as the first. The word is the first,
    the tag the last. Lines that start with `-DOCSTART-` are skipped; there
    are no comments.

    In `conllu` the word is FORM and the tag UPOS. Comments, multiword tokens
    (`1-2`) and empty nodes (`1.1`) are skipped.

    In `jsonl` a span is `{"start": 0, "end": 5, "label": "person"}` or
    `[0, 5, "person"]`, in characters (code points) of the text, the end
    exclusive. Spans may be called `entities` and come in any order, but not
    overlap; rows have them by start. Lines without `tags` or `spans`, to
    predict, give rows without. Other keys are ignored.

    A row's origin is the line of the sentence's first word. Files are UTF-8,
    with or without a byte-order mark, with LF or CRLF, and may be gzipped.

    Args:
        path: the file.
        format: `conll`, `conllu`, `jsonl`, or `None` to go by the name's
            ending: `.conllu`, `.jsonl`, or, for `conll`, `.conll`, `.txt`,
            `.tsv`, `.bio`, `.iob`, `.iob2` and `.iobes`; each also `.gz`.
        columns: field -> number of its column from 0, for `conll` and
            `conllu`: `text`, if the word is elsewhere than above, and `tags`.
            Without `tags`, rows have no tags. `None` for the columns above.
            For `jsonl`, the keys that lines have in place of `tokens` or
            `text`, and of `tags` or `spans`.

    Raises:
        InputError: if the format is unknown or `columns` is not as above; at
            iteration, if the file breaks a rule of its format, naming file
            and line, or has no rows.
        OSError: at iteration, if the file cannot be read.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        format: str | None = None,
        columns: Mapping[str, int | str] | None = None,
    ):
        self.path = os.fspath(path)
        self.format = format_of(self.path, format, _ENDINGS, "tags")
        self.columns = _checked(columns, self.format)

    def __iter__(self) -> Iterator[Row]:
        if self.format == "jsonl":
            rows = annotation_rows(self.path, self.columns or {})
        else:
            rows = _WORD_LINES[self.format](self.path, self.columns)
        return not_empty(rows, self.path, "sentence")


def _checked(columns, format: str) -> dict | None:
    if columns is None:
        return None
    proper = isinstance(columns, Mapping) and set(columns) <= {"text", "tags"}
    is_json = format == "jsonl"
    if not proper or not all(
        isinstance(column, str) if is_json else _is_number(column)
        for column in columns.values()
    ):
        what = "a key" if is_json else "the number of a column from 0"
        raise InputError(
            'What stands for "text" and "tags" in a '
            f"{format} file must be {what}. Received: {dict(columns)!r:.80}."
            if proper
            else '`columns` must give "text" and "tags", or one of them, a '
            f"column. Received: {columns!r:.80}."
        )
    return dict(columns)


def _is_number(column) -> bool:
    return type(column) is int and column >= 0
