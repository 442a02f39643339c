"""Examples streamed from TSV, CSV and JSON Lines files."""

import os
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping

from keras_bert_zoo.data.examples import Example
from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.data.readers.delimited import csv_records
from keras_bert_zoo.data.readers.delimited import tsv_records
from keras_bert_zoo.data.readers.formats import format_of
from keras_bert_zoo.data.readers.formats import not_empty
from keras_bert_zoo.data.readers.json_lines import json_records
from keras_bert_zoo.errors import InputError

_DELIMITED = {"tsv": tsv_records, "csv": csv_records}
FORMATS = ("tsv", "csv", "jsonl")
_ENDINGS = {f".{name}": name for name in FORMATS}


class FileExamples(Examples):
    """Examples of a file, read anew at each iteration, one at a time.

    | format | rule |
    | --- | --- |
    | `tsv` | tabs separate; quotes are ordinary characters (GLUE) |
    | `csv` | RFC 4180: commas separate, quoted fields may span lines |
    | `jsonl` | one JSON object a line |

    Files are UTF-8, with or without a byte-order mark, with LF or CRLF, and
    may be gzipped. The first row of `tsv` and `csv` names the columns. For
    files without such a header give column numbers, from 0, instead of
    names; examples may then have extra fields.

    Args:
        path: the file.
        columns: field name -> name of the column (key, in `jsonl`) or, for
            files without a header, its number from 0.
        format: `tsv`, `csv`, `jsonl`, or `None` to go by the name's ending.

    Raises:
        InputError: if the format is unknown or `columns` is not as above; at
            iteration, if the file breaks a rule of its format, naming file
            and line, or has no examples.
        OSError: at iteration, if the file cannot be read.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        columns: Mapping[str, str | int],
        format: str | None = None,
    ):
        self.path = os.fspath(path)
        self.format = format_of(self.path, format, _ENDINGS, "data")
        self.columns = dict(columns)
        self._numbered = _are_numbers(self.columns)
        if self._numbered and self.format == "jsonl":
            raise InputError(
                "The columns of a jsonl file are names. Received: "
                f"columns={self.columns!r}. Give each field its key."
            )

    def __iter__(self) -> Iterator[Example]:
        examples = self._json() if self.format == "jsonl" else self._delimited()
        return not_empty(examples, self.path, "example")

    def _json(self) -> Iterator[Example]:
        columns = self.columns.items()
        for number, record in json_records(self.path):
            origin = f"{self.path}:{number}"
            try:
                yield Example(
                    {field: record[c] for field, c in columns}, origin
                )
            except KeyError as error:
                raise _missing(origin, error.args[0], record) from error

    def _delimited(self) -> Iterator[Example]:
        records = _DELIMITED[self.format](self.path)
        if self._numbered:
            positions = self.columns
            num_fields = None
            at_least = max(positions.values()) + 1
        else:
            number, header = next(records, (1, None))
            if header is None:
                return
            positions = _positions(
                self.columns, header, f"{self.path}:{number}"
            )
            num_fields = at_least = len(header)
        columns = tuple(positions.items())
        for number, fields in records:
            origin = f"{self.path}:{number}"
            if len(fields) < at_least or (
                num_fields is not None and len(fields) != num_fields
            ):
                raise _wrong_count(origin, fields, at_least, num_fields)
            yield Example(
                {name: fields[position] for name, position in columns}, origin
            )


def _are_numbers(columns: Mapping) -> bool:
    kinds = {type(column) for column in columns.values()}
    numbers = kinds == {int} and min(columns.values()) >= 0
    if not numbers and kinds != {str}:
        raise InputError(
            "`columns` must give each field a column's name, or each its "
            f"number from 0 (files without a header). Received: {columns!r}."
        )
    return numbers


def _positions(columns: Mapping, header: list[str], origin: str) -> dict:
    for column in columns.values():
        if column not in header:
            raise _missing(origin, column, header)
        if header.count(column) > 1:
            raise InputError(
                f"{origin}: a column's name must be unique. Received: "
                f"{column!r} {header.count(column)} times. Rename them."
            )
    return {field: header.index(column) for field, column in columns.items()}


def _missing(origin: str, column: str, existing: Iterable[str]):
    names = [repr(name[:40]) for name in existing]
    listed = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
    return InputError(
        f"{origin}: the column {column!r} does not exist. Columns here: "
        f"{listed or 'none'}. Name one of these (--text-column and the like "
        "on the command line), or mend the file."
    )


def _wrong_count(origin, fields, at_least, num_fields) -> InputError:
    rule = (
        f"a row must have at least {at_least} fields"
        if num_fields is None
        else f"a row must have {num_fields} fields, as the header has"
    )
    remedy = "Remove separators from inside of texts (CSV: quote the field)"
    if len(fields) < at_least:
        remedy = "Add what is missing"
    return InputError(
        f"{origin}: {rule}. Received: {len(fields)}. {remedy}, or check the "
        "format."
    )
