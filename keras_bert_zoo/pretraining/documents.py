"""Documents of text files, streamed, each a list of sentences."""

import os
import re
from collections.abc import Iterable
from collections.abc import Iterator
from typing import NamedTuple

from keras_bert_zoo import storage
from keras_bert_zoo.data.readers.json_lines import json_records
from keras_bert_zoo.data.readers.lines import read_lines
from keras_bert_zoo.errors import InputError

# How documents are told apart: by blank lines, or each on a line; or each in
# a JSON object.
FORMATS = ("blank_lines", "lines", "jsonl")
SPLITS = ("sentences", "lines")

# After a full stop and what closes a quotation, where a capital letter, a
# digit or what opens one follows; after an East Asian full stop, anywhere.
_SENTENCE_END = re.compile(
    r"""(?<=[.!?])["'”’»)\]]*\s+(?=["'“‘«(\[]*[^\W_a-z])|(?<=[。！？])["”’」』]*\s*(?=\S)"""
)
# What a full stop ends without ending a sentence.
_ABBREVIATION = re.compile(
    r"\b(?:[A-Z]|Mr|Mrs|Ms|Dr|St|Prof|Gen|Col|Capt|Lt|Sen|Rep|Gov|Rev|Hon|vs"
    r"|No|Vol|pp?|Fig|cf|e\.g|i\.e)\.$"
)


class Document(NamedTuple):
    """A document.

    Attributes:
        sentences: its sentences, or lines, none blank.
        origin: where it begins, such as `corpus.txt:17`.
    """

    sentences: list[str]
    origin: str


def read_documents(
    paths: Iterable[str | os.PathLike],
    format: str | None = None,
    split: str = "sentences",
    text_key: str = "text",
) -> Iterator[Document]:
    """Yields the documents of files, one at a time.

    Files are UTF-8 and may be gzipped. Blank documents are skipped.

    Args:
        paths: files, read in this order, or directories: the files in them,
            by name.
        format: str, one of `FORMATS`; `None` to go by each file's name:
            `jsonl` by the ending `.jsonl`, else `blank_lines`.
        split: str, one of `SPLITS`. Whether lines are split into sentences,
            by their punctuation, or are sentences already.
        text_key: str. The key of the text in a JSON object.

    Raises:
        InputError: if a line is not UTF-8, too long, or no JSON object with
            such a text, naming file and line; at the end, if no file has a
            document.
        OSError: if a file cannot be read.
    """
    for name, value, known in (
        ("format", format, FORMATS),
        ("split", split, SPLITS),
    ):
        if value is not None and value not in known:
            raise InputError(
                f"`{name}` must be one of {', '.join(known)}. Received: "
                f"{name}={value!r:.40}."
            )
    paths = list(map(os.fspath, paths))
    is_empty = True
    for path in files_in(paths):
        name = path.removesuffix(".gz")
        how = format or ("jsonl" if name.endswith(".jsonl") else "blank_lines")
        for lines, origin in _READERS[how](path, text_key):
            sentences = [line.strip() for line in lines]
            document = Document([one for one in sentences if one], origin)
            if document.sentences:
                is_empty = False
                yield in_sentences(document, split)
    if is_empty:
        raise InputError(
            "A corpus must have documents. Received: none, or blank ones, in "
            f"{', '.join(paths):.200}. Check the files and their format."
        )


def files_in(paths: Iterable[str | os.PathLike]) -> list[str]:
    """Returns files as they are, and in place of a directory the files in it.

    Subdirectories are read, too, in the order of their names. Hidden files and
    directories are left out, and so are links to directories.
    """
    found = []
    for path in map(os.fspath, paths):
        files = storage.files_of(path)
        if not files.is_directory(path):
            found.append(path)
            continue
        inside = [
            files.join(path, name)
            for name in files.names(path)
            if not name.startswith(".")
        ]
        found += files_in(
            one
            for one in inside
            if files.is_file(one)
            or files.is_directory(one)
            and not os.path.islink(one)
        )
    return found


def in_sentences(document: Document, split: str) -> Document:
    """Returns a document of lines as one of sentences.

    Args:
        document: what `read_documents` yields with `split="lines"`.
        split: see there.
    """
    if split == "lines":
        return document
    sentences = [s for line in document.sentences for s in split_text(line)]
    return document._replace(sentences=sentences)


def split_text(text: str) -> list[str]:
    """Returns the sentences of a text, told apart by their punctuation.

    A rule for written prose, not more: it knows a few abbreviations.
    """
    found = []
    start = 0
    for end in _SENTENCE_END.finditer(text):
        part = text[start : end.end()].strip()
        if not _ABBREVIATION.search(part):
            found.append(part)
            start = end.end()
    found.append(text[start:].strip())
    return [part for part in found if part]


def _between_blank_lines(path, text_key):
    lines: list[str] = []
    first = 1
    for number, line in read_lines(path):
        if line.strip():
            if not lines:
                first = number
            lines.append(line)
        elif lines:
            yield lines, f"{path}:{first}"
            lines = []
    if lines:
        yield lines, f"{path}:{first}"


def _on_lines(path, text_key):
    for number, line in read_lines(path):
        yield [line], f"{path}:{number}"


def _in_objects(path, text_key):
    for number, record in json_records(path):
        text = record.get(text_key)
        if not isinstance(text, str):
            raise InputError(
                f"{path}:{number}: each object must have a text as "
                f"{text_key!r}. Received: {record!r:.80}. Name the key that "
                "has it, or mend the line."
            )
        yield text.splitlines(), f"{path}:{number}"


_READERS = {
    "blank_lines": _between_blank_lines,
    "jsonl": _in_objects,
    "lines": _on_lines,
}
