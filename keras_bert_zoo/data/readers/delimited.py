"""Records of TSV and CSV files."""

import functools
import os
import re
from collections.abc import Iterator

from keras_bert_zoo.data.readers.lines import MAX_ROW_BYTES
from keras_bert_zoo.data.readers.lines import read_lines
from keras_bert_zoo.data.readers.lines import too_long
from keras_bert_zoo.errors import InputError

# What separates fields in files that are called CSV.
_DELIMITERS = ",;|\t"


@functools.cache
def _field(delimiter: str) -> re.Pattern:
    """Matches a quoted field with doubled quotes inside, or a plain one.

    And its end.
    """
    end = re.escape(delimiter)
    return re.compile(f'(?:"([^"]*(?:""[^"]*)*)"|([^"{end}]*))({end}|\\Z)')


def tsv_records(path: str | os.PathLike) -> Iterator[tuple[int, list[str]]]:
    """Yields `(line number, fields)` of a tab-separated file.

    Tabs separate, and every other character is part of the text: quotes have
    no meaning, as in the GLUE files. Blank lines are skipped.
    """
    for number, line in read_lines(path):
        if line:
            yield number, line.split("\t")


def csv_records(path: str | os.PathLike) -> Iterator[tuple[int, list[str]]]:
    """Yields `(first line's number, fields)` of a comma-separated file.

    A field may stand in double quotes; it then may hold commas, line breaks
    (read as LF) and quotes, doubled. Blank lines are skipped. Where the first
    line has no comma, a semicolon, a vertical bar or a tab separates: the one
    that it has most often.

    Raises:
        InputError: if quotes do not close or stand inside a plain field.

    Source: RFC 4180.
    """
    lines = read_lines(path)
    delimiter = None
    for number, line in lines:
        if line and delimiter is None:
            delimiter = _delimiter(line)
        if '"' in line:
            record = _complete(line, lines, f"{path}:{number}")
            yield number, _split_quoted(record, delimiter, f"{path}:{number}")
        elif line:
            yield number, line.split(delimiter)


def _delimiter(line: str) -> str:
    plain = re.sub(r'"[^"]*"', "", line)
    counts = {sign: plain.count(sign) for sign in _DELIMITERS}
    return "," if counts[","] else max(counts, key=counts.get)


def _complete(line: str, lines: Iterator, origin: str) -> str:
    # Quotes pair up within a record, so an odd count means that it continues.
    parts = [line]
    is_open = line.count('"') % 2
    size = len(line)
    while is_open:
        _, line = next(lines, (0, None))
        if line is None:
            raise InputError(
                f"{origin}: a quoted field must end with a quote. Received "
                "the end of the file. Close the quote that opens in this "
                "row, and double quotes inside of fields."
            )
        parts.append(line)
        size += len(line) + 1
        if size > MAX_ROW_BYTES:
            raise too_long(origin)
        is_open ^= line.count('"') % 2
    return "\n".join(parts)


def _split_quoted(record: str, delimiter: str, origin: str) -> list[str]:
    fields = []
    position = 0
    while True:
        match = _field(delimiter).match(record, position)
        if match is None:
            raise InputError(
                f"{origin}: a field with quotes inside must stand in quotes "
                "and double them. Received: "
                f"{record[position : position + 40]!r}. Write it as "
                '"say ""hello"" twice", or use TSV, where quotes are plain.'
            )
        quoted, plain, end = match.groups()
        fields.append(plain if quoted is None else quoted.replace('""', '"'))
        if not end:
            return fields
        position = match.end()
