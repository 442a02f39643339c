"""Examples streamed from plain text, one text a line."""

import os
from collections.abc import Iterator

from keras_bert_zoo.data.examples import Example
from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.data.readers.formats import not_empty
from keras_bert_zoo.data.readers.lines import read_lines


class TextLines(Examples):
    """Examples of plain text, one a line, read anew at each iteration.

    An example has the line as `text`. Blank lines are skipped. Files are UTF-8,
    with or without a byte-order mark, with LF or CRLF, and may be gzipped.

    Args:
        path: the file.

    Raises:
        InputError: at iteration, if a line is not UTF-8 or is too long,
            naming file and line, or if there is no text.
        OSError: at iteration, if the file cannot be read.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = os.fspath(path)

    def __iter__(self) -> Iterator[Example]:
        examples = (
            Example({"text": line}, f"{self.path}:{number}")
            for number, line in read_lines(self.path)
            if line.strip()
        )
        return not_empty(examples, self.path, "line of text")
