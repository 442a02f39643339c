"""Files by path or URL: local ones by the system, others by `tf.io.gfile`.

`files_of` returns what works where a path leads: `LocalFiles`, or `RemoteFiles`
for `gs://`, `s3://`, `hdfs://` and every other scheme that TensorFlow knows.
Both have the same methods. TensorFlow is loaded for URLs alone.
"""

import concurrent.futures
import contextlib
import errno
import importlib
import io
import itertools
import os
import pathlib
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from collections.abc import Sequence

from keras_bert_zoo import atomic_io
from keras_bert_zoo.errors import InputError

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
# That a store is sent at a time.
_REQUESTS = 32
# Registers more schemes when it is imported, where it fits TensorFlow.
_MORE_SCHEMES = "tensorflow_io"


def is_url(path: str | os.PathLike) -> bool:
    """Returns whether a path is a URL, such as `gs://bucket/corpus.txt`."""
    return _URL.match(os.fspath(path)) is not None


def files_of(path: str | os.PathLike) -> "LocalFiles | RemoteFiles":
    """Returns what reads and writes files where a path leads.

    Raises:
        InputError: if it is a URL of a scheme that TensorFlow does not know.
    """
    if not is_url(path):
        return LocalFiles()
    _check_scheme(os.fspath(path))
    return RemoteFiles()


class LocalFiles:
    """Files of this machine."""

    def join(self, directory: str, *names: str) -> str:
        return os.path.join(directory, *names)

    def parent(self, path: str) -> str:
        return os.path.dirname(path) or os.curdir

    def open(self, path: str) -> io.RawIOBase:
        """Returns the bytes of a file, to be read once."""
        return open(path, "rb", buffering=0)

    def size(self, path: str) -> int:
        """Returns the size of a file in bytes."""
        return os.path.getsize(path)

    def sizes(self, paths: Sequence[str]) -> list[int]:
        """Returns the size of each file in bytes."""
        return [self.size(path) for path in paths]

    def is_file(self, path: str) -> bool:
        return os.path.isfile(path)

    def is_directory(self, path: str) -> bool:
        return os.path.isdir(path)

    def names(self, directory: str) -> list[str]:
        """Returns the names in a directory; none where it is not there."""
        return (
            sorted(os.listdir(directory)) if os.path.exists(directory) else []
        )

    def make_directory(self, directory: str) -> None:
        """Makes a directory and its parents, if it is not there."""
        os.makedirs(directory, exist_ok=True)

    def remove(self, path: str) -> None:
        os.unlink(path)

    def remove_directory(self, directory: str) -> None:
        """Removes a directory and what is in it."""
        shutil.rmtree(directory)

    def atomic_file(
        self, path: str
    ) -> contextlib.AbstractContextManager[pathlib.Path]:
        """As `atomic_io.atomic_file`: yields a path on the same disk."""
        return atomic_io.atomic_file(path)

    def held(self, directory: str) -> contextlib.AbstractContextManager[None]:
        """As `atomic_io.held`: keeps other processes out of a directory."""
        return atomic_io.held(pathlib.Path(directory))


class RemoteFiles:
    """Files behind a URL. What goes wrong there is an `OSError` here."""

    def join(self, directory: str, *names: str) -> str:
        return "/".join([directory.rstrip("/"), *names])

    def parent(self, path: str) -> str:
        return path.rpartition("/")[0]

    def open(self, path: str) -> io.RawIOBase:
        """Returns the bytes of a file, to be read once."""
        return _RemoteFile(path)

    def size(self, path: str) -> int:
        """Returns the size of a file in bytes."""
        with _gfile(path) as gfile:
            return gfile.stat(path).length

    def sizes(self, paths: Sequence[str]) -> list[int]:
        """Returns the size of each file in bytes, asked for side by side."""
        with concurrent.futures.ThreadPoolExecutor(_REQUESTS) as pool:
            return list(pool.map(self.size, paths))

    def is_file(self, path: str) -> bool:
        with _gfile(path) as gfile:
            return gfile.exists(path) and not gfile.isdir(path)

    def is_directory(self, path: str) -> bool:
        with _gfile(path) as gfile:
            return gfile.isdir(path)

    def names(self, directory: str) -> list[str]:
        """Returns the names in a directory; none where it is not there."""
        with _gfile(directory) as gfile:
            if not gfile.isdir(directory):
                return []
            # Stores end names of directories with a slash.
            names = (name.rstrip("/") for name in gfile.listdir(directory))
            return sorted(filter(None, names))

    def make_directory(self, directory: str) -> None:
        """Makes a directory and its parents, if it is not there."""
        with _gfile(directory) as gfile:
            gfile.makedirs(directory)

    def remove(self, path: str) -> None:
        with _gfile(path) as gfile:
            gfile.remove(path)

    def remove_directory(self, directory: str) -> None:
        """Removes a directory and what is in it, many files side by side."""
        paths = [self.join(directory, name) for name in self.names(directory)]
        with concurrent.futures.ThreadPoolExecutor(_REQUESTS) as pool:
            is_file = pool.map(self.is_file, paths)
            list(pool.map(self.remove, itertools.compress(paths, is_file)))
        with _gfile(directory) as gfile:
            gfile.rmtree(directory)

    @contextlib.contextmanager
    def atomic_file(self, path: str) -> Iterator[pathlib.Path]:
        """Yields a local path whose file is put at `path`, if all succeeds.

        It is copied there under a temporary name, and then renamed. On
        object stores a rename is a copy: readers find all of the file or
        nothing, but a kill in between leaves the one of the temporary name.
        """
        name = path.rpartition("/")[2]
        unnamed = f".{name}.partial-{uuid.uuid4().hex}"
        temporary = self.join(self.parent(path), unnamed)
        with tempfile.TemporaryDirectory() as directory:
            local = pathlib.Path(directory) / name
            yield local
            try:
                with _gfile(path) as gfile:
                    gfile.copy(str(local), temporary)
                    gfile.rename(temporary, path, overwrite=True)
            except BaseException:
                with contextlib.suppress(OSError):
                    self.remove(temporary)
                raise

    def held(self, directory: str) -> contextlib.AbstractContextManager[None]:
        """Keeps nobody out: object stores have no locks."""
        return contextlib.nullcontext()


class _RemoteFile(io.RawIOBase):
    """The bytes behind a URL, as Python reads files."""

    def __init__(self, path: str):
        self._path = path
        with _gfile(path) as gfile:
            self._file = gfile.GFile(path, "rb")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        with _gfile(self._path):
            content = self._file.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def close(self) -> None:
        self._file.close()
        super().close()


@contextlib.contextmanager
def os_errors(path: str) -> Iterator[None]:
    """Turns TensorFlow's errors on a file into those of the system.

    Raises:
        OSError: with the path; its `errno` is ENOENT where nothing is there,
            and ENOSPC where there is no room.
    """
    import tensorflow as tf

    try:
        yield
    except tf.errors.NotFoundError as error:
        raise FileNotFoundError(
            errno.ENOENT, os.strerror(errno.ENOENT), path
        ) from error
    except tf.errors.ResourceExhaustedError as error:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path) from error
    except tf.errors.OpError as error:
        raise OSError(f"{path}: {error.message:.300}") from error


@contextlib.contextmanager
def _gfile(path: str) -> Iterator:
    """Yields `tf.io.gfile`, whose errors become `OSError`s."""
    import tensorflow as tf

    with os_errors(path):
        yield tf.io.gfile


def _check_scheme(url: str) -> None:
    import tensorflow as tf

    scheme = _URL.match(url)[1]
    if scheme not in tf.io.gfile.get_registered_schemes():
        with contextlib.suppress(ImportError):
            importlib.import_module(_MORE_SCHEMES)
    known = sorted(filter(None, tf.io.gfile.get_registered_schemes()))
    if scheme not in known:
        raise InputError(
            f"The scheme of a URL must be one that TensorFlow knows: "
            f"{', '.join(known)}. Received: {url}. Install a package that "
            f"registers {scheme}://, mount it as a directory, or copy the "
            "files here."
        )
