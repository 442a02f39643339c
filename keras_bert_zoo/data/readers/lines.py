"""Lines of text files, plain or gzipped, read one at a time."""

import contextlib
import gzip
import io
import os
import pathlib
import zlib
from collections.abc import Iterator

from keras_bert_zoo import storage
from keras_bert_zoo.errors import InputError

MAX_ROW_BYTES = 4 * 2**20

_BOM = b"\xef\xbb\xbf"
_GZIP_MAGIC = b"\x1f\x8b"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")


class _FromUtf16:
    """Lines of a UTF-16 stream, in UTF-8."""

    def __init__(self, stream):
        self._text = io.TextIOWrapper(stream, "utf-16", newline="\n")

    def readline(self, size: int) -> bytes:
        return self._text.readline(size).encode("utf-8", "surrogatepass")


def read_lines(path: str | os.PathLike) -> Iterator[tuple[int, str]]:
    """Yields `(number, line)` without the line's end; numbers from 1.

    A line ends with LF or CRLF. A byte-order mark at the start is dropped; that
    of UTF-16 tells this encoding.
    A file is gzipped if its name ends with `.gz` or its first two bytes say
    so. At most one line is held in memory.

    Raises:
        InputError: if a line is not UTF-8 or is longer than
            `MAX_ROW_BYTES`, the gzip stream is damaged, or the file a pipe.
        OSError: if the file cannot be opened or read.
    """
    number = 0
    with _open(path) as stream:
        while line := _read_line(stream, f"{path}:{number + 1}"):
            number += 1
            if number == 1:
                line = line.removeprefix(_BOM)
            yield number, _decode(line, f"{path}:{number}")


def too_long(origin: str) -> InputError:
    """Returns the error for a row above `MAX_ROW_BYTES`."""
    return InputError(
        f"{origin}: a row may take at most {MAX_ROW_BYTES} bytes. Received: "
        "more. Split the text, or check the line ends and quotes before it."
    )


def refuse_pipe(path: str | os.PathLike) -> None:
    """Checks that a file can be read as often as examples are.

    Raises:
        InputError: if it is a pipe, which waits forever at the second time.
    """
    if pathlib.Path(path).is_fifo():
        raise InputError(
            f"{path} must be a file, because examples are read several "
            "times. Received: a pipe. Write its content into a file first."
        )


@contextlib.contextmanager
def _open(path):
    """Yields a file's lines as a binary stream: unpacked, and in UTF-8."""
    refuse_pipe(path)
    path = os.fspath(path)
    files = storage.files_of(path)
    with files.open(path) as probe:
        zipped = probe.read(2) == _GZIP_MAGIC or path.endswith(".gz")
    with contextlib.ExitStack() as stack:

        def opened():
            content = stack.enter_context(files.open(path))
            if zipped:
                content = gzip.open(content, "rb")
            # The buffer on top makes short lines cheap.
            return io.BufferedReader(content, 2**18)

        stream = opened()
        try:
            begin = stream.peek(2)[:2]
        except (EOFError, gzip.BadGzipFile, zlib.error):
            # Its lines say what is wrong.
            stream, begin = opened(), b""
        yield _FromUtf16(stream) if begin in _UTF16_BOMS else stream


def _read_line(stream, origin: str) -> bytes:
    try:
        line = stream.readline(MAX_ROW_BYTES + 1)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{origin}: a file that begins as UTF-16 must be so to its end. "
            f"Received: {error.reason} here or within the next lines. Fetch "
            "or convert it again."
        ) from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(
            f"{origin}: a gzip file must be whole. Received one that is "
            f"damaged or cut short here or within the next lines: {error}. "
            "Fetch or compress it again."
        ) from error
    if len(line) > MAX_ROW_BYTES:
        raise too_long(origin)
    return line


def _decode(line: bytes, origin: str) -> str:
    if line.endswith(b"\n"):
        line = line[:-2] if line.endswith(b"\r\n") else line[:-1]
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        byte = line[error.start]
        raise InputError(
            f"{origin}: text must be valid UTF-8. Received: byte 0x{byte:02x} "
            f"at position {error.start + 1}, which is "
            f"{bytes([byte]).decode('latin-1')!r} in Latin-1. Convert the "
            "file, for example with iconv -f LATIN1 -t UTF-8."
        ) from error
