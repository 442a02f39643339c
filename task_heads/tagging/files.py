"""Examples streamed from files with tagged words or marked texts.

Source: Tjong Kim Sang and De Meulder, 2003 (arXiv:cs/0306050);
https://universaldependencies.org/format.html.
"""

import itertools
import os
import re
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping

from absl import logging

from keras_bert_zoo.data.examples import Example
from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.data.readers.file_examples import FileExamples
from keras_bert_zoo.data.readers.formats import format_of
from keras_bert_zoo.data.readers.formats import not_empty
from keras_bert_zoo.data.readers.lines import read_lines
from keras_bert_zoo.data.readers.text_lines import TextLines
from keras_bert_zoo.errors import InputError
from task_heads.tagging.annotations import annotation_examples

FORMATS = ("conll", "conllu", "jsonl")

_ENDINGS = {
    **dict.fromkeys(
        (".conll", ".txt", ".tsv", ".bio", ".iob", ".iob2", ".iobes"), "conll"
    ),
    ".conllu": "conllu",
    ".jsonl": "jsonl",
}
_DOCUMENT_START = "-DOCSTART-"
# Of entities, and of parts of speech.
_TAG = re.compile(r"O|[BIESLU](-\S+)?|[A-Z]{2,}\S*|[^\w\s]+")
_PROBED_LINES = 200
_NUM_CONLLU_COLUMNS = 10
_CONLLU_COLUMNS = {"text": 1, "tags": 3}  # FORM and UPOS
_WORD_ID = re.compile(r"[0-9]+")
_SKIPPED_ID = re.compile(r"[0-9]+-[0-9]+|[0-9]+\.[0-9]+")

# Where a line stands and its fields; None where a sentence ends.
_Lines = Iterable[tuple[str, list[str]] | None]


class TaggedFile(Examples):
    """Examples of a file, one a sentence, read anew at each iteration.

    | format | a line | values of an example |
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
    overlap; examples have them by start. Lines without `tags` or `spans`, to
    predict, give examples without. Other keys are ignored.

    An example's origin is the line of the sentence's first word. Files are
    UTF-8, with or without a byte-order mark, with LF or CRLF, and may be
    gzipped.

    Args:
        path: the file.
        format: `conll`, `conllu`, `jsonl`, or `None` to go by the name's
            ending: `.conllu`, `.jsonl`, or, for `conll`, `.conll`, `.txt`,
            `.tsv`, `.bio`, `.iob`, `.iob2` and `.iobes`; each also `.gz`.
        columns: field -> number of its column from 0, for `conll` and
            `conllu`: `text`, if the word is elsewhere than above, and `tags`.
            Without `tags`, examples have no tags. `None` for the columns above.
            For `jsonl`, the keys that lines have in place of `tokens` or
            `text`, and of `tags` or `spans`.

    Raises:
        InputError: if the format is unknown or `columns` is not as above; at
            iteration, if the file breaks a rule of its format, naming file
            and line, or has no examples.
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

    def __iter__(self) -> Iterator[Example]:
        if self.format == "jsonl":
            examples = annotation_examples(self.path, self.columns or {})
        elif self.format == "conllu":
            examples = conllu_examples(self.path, self.columns)
        else:
            examples = conll_examples(self.path, self.columns)
        return not_empty(examples, self.path, "sentence")


def plain_texts(
    path: str | os.PathLike, column: str | int | None, format: str | None
) -> Examples | None:
    """Returns the texts of a file to predict that has no words and tags.

    Lines of a `.txt` file that are no column of words are sentences; a table
    (`.csv`, or `.tsv` with the name of a column) has a text in each row.

    Args:
        path: the file.
        column: name of the column of a table, or `None` for `text`.
        format: `lines`, `csv`, or `None` to go by the file's name and
            content.

    Returns:
        `None` for a file that `TaggedFile` reads.
    """
    path = os.fspath(path)
    stem = path.lower().removesuffix(".gz")
    is_named = isinstance(column, str) and not column.isdecimal()
    if format == "lines":
        return TextLines(path)
    if format == "csv" or format is None and stem.endswith(".csv"):
        return FileExamples(path, {"text": column or "text"}, "csv")
    if is_named and format is None and stem.endswith(".tsv"):
        return FileExamples(path, {"text": column}, "tsv")
    is_text = format is None and column is None and stem.endswith(".txt")
    if not is_text or not _are_sentences(path):
        return None
    logging.warning(
        "%s is read as plain text, a sentence a line. Name the format "
        "conll for a column of words.",
        path,
    )
    return TextLines(path)


def _are_sentences(path: str) -> bool:
    """Returns whether lines are sentences: no words with tags or alone."""
    lines = (line for _, line in read_lines(path) if line.strip())
    fields = [line.split() for line in itertools.islice(lines, _PROBED_LINES)]
    if any(line.startswith(_DOCUMENT_START) for line, *_ in fields):
        return False
    numbers = {len(line) for line in fields}
    if numbers <= {1}:
        return False
    return len(numbers) > 1 or not all(_TAG.fullmatch(f[-1]) for f in fields)


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


def conll_examples(
    path: str | os.PathLike, columns: Mapping[str, int] | None
) -> Iterator[Example]:
    """Yields the sentences of a CoNLL file; see `TaggedFile`.

    Args:
        path: the file.
        columns: `text` and `tags` -> number of the column from 0; `None`
            for the first and the last.

    Raises:
        InputError: if the file breaks a rule of the format.
    """
    return _examples(
        _conll_lines(path), _wanted(columns, {"text": 0, "tags": -1})
    )


def conllu_examples(
    path: str | os.PathLike, columns: Mapping[str, int] | None
) -> Iterator[Example]:
    """Yields the sentences of a CoNLL-U file; see `TaggedFile`.

    Args:
        path: the file.
        columns: `text` and `tags` -> number of the column from 0; `None`
            for FORM and UPOS.

    Raises:
        InputError: if the file breaks a rule of the format.
    """
    return _examples(_conllu_lines(path), _wanted(columns, _CONLLU_COLUMNS))


def _wanted(columns, usual: dict[str, int]) -> dict[str, int]:
    return usual if columns is None else {"text": usual["text"], **columns}


def _examples(lines: _Lines, columns: dict[str, int]) -> Iterator[Example]:
    tokens, tags, origins = [], [], []
    for line in lines:
        if line is None:
            if tokens:
                yield _example(tokens, tags, origins)
            tokens, tags, origins = [], [], []
            continue
        origin, fields = line
        origins.append(origin)
        tokens.append(_field(fields, columns["text"], "word", origin))
        if "tags" in columns:
            if len(fields) == 1:
                raise _without_tag(origin, fields)
            tags.append(_field(fields, columns["tags"], "tag", origin))
    if tokens:
        yield _example(tokens, tags, origins)


def _example(tokens: list[str], tags: list[str], origins: list[str]) -> Example:
    values = {"tokens": tokens, "tags": tags} if tags else {"tokens": tokens}
    return Example(values, origins[0], origins)


def _conll_lines(path) -> _Lines:
    num_fields = None
    for number, line in read_lines(path):
        if not line.strip() or line.startswith(_DOCUMENT_START):
            yield None
            continue
        origin = f"{path}:{number}"
        if "\r" in line:
            raise InputError(
                f"{origin}: a line must end with LF or CRLF. Received: CR "
                f"alone, in {line[:60]!r}. Convert the file, for example with "
                "tr '\\r' '\\n'."
            )
        separator = "\t" if "\t" in line else " "
        fields = line.split(separator)
        if separator == " ":
            # Not split(), which splits words at no-break spaces too.
            fields = [field for field in fields if field]
        if num_fields is None:
            num_fields = len(fields)
        if len(fields) != num_fields:
            raise InputError(
                f"{origin}: a line must have as many fields as the first, "
                f"{num_fields}. Received: {len(fields)} in {line[:60]!r}. "
                "Separate all fields with tabs, or all with spaces. Plain "
                'texts go into a .jsonl file: {"text": "..."} on each line.'
            )
        yield origin, fields


def _conllu_lines(path) -> _Lines:
    for number, line in read_lines(path):
        if not line.strip():
            yield None
            continue
        if line.startswith("#"):
            continue
        origin = f"{path}:{number}"
        fields = line.split("\t")
        if len(fields) != _NUM_CONLLU_COLUMNS:
            raise InputError(
                f"{origin}: a line must have {_NUM_CONLLU_COLUMNS} fields, "
                f"separated by tabs. Received: {len(fields)} in "
                f"{line[:60]!r}. Mend it, or read the file as conll."
            )
        if _SKIPPED_ID.fullmatch(fields[0]):
            continue
        if not _WORD_ID.fullmatch(fields[0]):
            raise InputError(
                f"{origin}: the first field must be a word's number, such as "
                f"1, 1-2 or 1.1. Received: {fields[0]!r}. Mend it, or read "
                "the file as conll."
            )
        yield origin, fields


def _field(fields: list[str], column: int, name: str, origin: str) -> str:
    if column >= len(fields):
        raise InputError(
            f"{origin}: the {name} must be in one of the columns 0 to "
            f"{len(fields) - 1}. Received: column {column}. Name another, or "
            "check the separators."
        )
    # A word may be a space; a tag with one would be another tag.
    field = fields[column].strip() if name == "tag" else fields[column]
    if not field:
        raise InputError(
            f"{origin}: a {name} must not be empty. Received: "
            f"{' | '.join(fields)[:60]!r}. Fill it in, or remove the line."
        )
    return field


def _without_tag(origin: str, fields: list[str]) -> InputError:
    return InputError(
        f"{origin}: a line must have a word and a tag. Received: "
        f"{fields[0][:60]!r} alone. Add the tags, or, to read words alone, "
        'give columns={"text": 0}.'
    )
