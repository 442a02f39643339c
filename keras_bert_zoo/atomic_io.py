"""Writes that either happen whole or leave no trace."""

import contextlib
import ctypes
import errno
import glob
import hashlib
import math
import os
import pathlib
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable
from collections.abc import Iterator

from keras_bert_zoo.errors import InputError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

# In every export; every model has `config.json` and weights; every vocabulary
# these two files, and no weights.
_VOCABULARY_FILES = {"tokenizer.json", "tokenizer_config.json"}
_MOST_VOCABULARY_FILES = 4
_EXPORT_FILE = "manifest.json"
_MODEL_FILE = "config.json"
_WEIGHTS = (".safetensors", ".bin", ".h5")
# Below a model or an export they belong to something else.
_NESTED_FILES = {"task.json", "manifest.json", ".git"}
# What a file adds to an array, at most: its name, shape and alignment.
_HEADER_BYTES = 4096
# Another process may have made its directory just now and not locked it yet.
_SETTLED_SECONDS = 60
# Figures of Linux's renameat2.
_AT_CURRENT_DIRECTORY = -100
_RENAME_EXCHANGE = 2


@contextlib.contextmanager
def atomic_directory(
    path: str | os.PathLike, overwrite: bool = False
) -> Iterator[pathlib.Path]:
    """Yields a temporary directory that becomes `path` if the block succeeds.

    The temporary directory is a hidden sibling of `path`, so that the final
    step is a rename on one file system. Every file is flushed to disk before
    the rename. If the block raises, the temporary directory is removed and
    whatever stood at `path` is untouched; what a killed process left is
    removed at the next write to the same path. With `overwrite`, old and new
    directory change places in one step where the system can do that (Linux).
    Elsewhere the old one is moved aside first: a kill between the two renames
    leaves it beside `path` as `.NAME.previous-*`.

    Args:
        path: the directory to create. Its parent is created when missing.
        overwrite: bool. Whether an existing `path` may be replaced.

    Raises:
        InputError: if `path` exists and `overwrite` is false, or if it exists
            and is not a directory.
    """
    path = pathlib.Path(path)
    check_new_directory(path, overwrite)
    path.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{path.name}.partial-"
    remove_abandoned(path.parent, prefix, _SETTLED_SECONDS)
    temporary = pathlib.Path(tempfile.mkdtemp(prefix=prefix, dir=path.parent))
    lock = _lock(temporary)
    try:
        yield temporary
        temporary.chmod(0o777 & ~_umask())
        _flush_tree(temporary)
        _swap(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def check_new_directory(path: str | os.PathLike, overwrite: bool) -> None:
    """Checks early that `atomic_directory` may write here.

    Args:
        path: the directory to create.
        overwrite: bool. Whether an existing directory may be replaced.

    Raises:
        InputError: if its name is not UTF-8, which TensorFlow's files and
            model cards need; if it exists and `overwrite` is false; or if it
            exists and is no directory, or one that cannot be replaced, or
            one with files but none that a saved model or an export has, or
            with another of them, or a repository, inside.
    """
    path = pathlib.Path(path)
    _check_name(path)
    if path.exists() or path.is_symlink():
        if path.is_symlink() or not path.is_dir():
            raise InputError(
                f"The output must be a directory. Received: {path}, which "
                "exists and is not one. Choose another name."
            )
        if path.is_mount() or path.resolve() == pathlib.Path.cwd():
            raise InputError(
                "The output must be a directory that can be replaced whole. "
                f"Received: {path}, a mount point or the working directory. "
                "Name a directory inside of it."
            )
        names = {entry.name for entry in path.iterdir()}
        if names and not overwrite:
            raise InputError(
                "An existing output directory is not overwritten. Received: "
                f"{path}, which is not empty. Choose another directory, or "
                "allow it with overwrite (--overwrite on the command line)."
            )
        if names and not _is_artifact(names):
            raise InputError(
                "Only a model, an export or a vocabulary is overwritten. "
                f"Received: {path}, which holds none "
                f"({', '.join(sorted(names)[:3])}"
                f"{', ...' if len(names) > 3 else ''}). Choose another "
                "directory, or remove it yourself."
            )
        nested = _nested(path)
        if nested is not None:
            raise InputError(
                "Only a model or an export is overwritten, with nothing else "
                f"inside. Received: {path}, which holds {nested}. Choose "
                "another directory, or move that elsewhere."
            )


def _check_name(path: pathlib.Path) -> None:
    text = str(path)
    try:
        is_name = b"\0" not in text.encode()
    except UnicodeEncodeError:
        is_name = False
    if not is_name:
        raise InputError(
            "The name of an output directory must be UTF-8, without NUL. "
            f"Received: {text!r}. Choose another name."
        )


def _is_artifact(names: set[str]) -> bool:
    """Says whether a directory's files are those of something made here."""
    if _EXPORT_FILE in names:
        return True
    if _VOCABULARY_FILES <= names and len(names) <= _MOST_VOCABULARY_FILES:
        return True
    has_weights = any(name.endswith(_WEIGHTS) for name in names)
    return _MODEL_FILE in names and has_weights


def _nested(directory: pathlib.Path) -> pathlib.Path | None:
    """Returns what in a model's directory is no part of it, if anything."""
    if (directory / ".git").exists():
        return directory / ".git"
    for folder, folders, files in os.walk(directory):
        found = _NESTED_FILES & {*folders, *files}
        if found and pathlib.Path(folder) != directory:
            return pathlib.Path(folder)
    return None


@contextlib.contextmanager
def atomic_file(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Yields a temporary path that replaces `path` if the block succeeds.

    Raises:
        OSError: naming `path`, such as where the disk is full.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(
        prefix=f".{path.name}.partial-", dir=path.parent
    )
    os.close(handle)
    temporary = pathlib.Path(name)
    try:
        yield temporary
        set_usual_mode(temporary)
        _flush(temporary)
        temporary.replace(path)
        _flush(path.parent)
    except OSError as error:
        # What `write` and `fsync` raise names no file.
        if error.errno is None or error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


def check_disk_space(
    directory: str | os.PathLike, shapes: Iterable[Iterable[int]]
) -> None:
    """Checks that arrays can be written as one file, by reserving its bytes.

    A full disk is better noticed before a model is written, or trained.

    Args:
        directory: where the file will stand.
        shapes: shapes of the arrays, of at most 4 bytes a number.

    Raises:
        OSError: if the disk, a quota or a limit leaves less.
    """
    num_bytes = sum(4 * math.prod(shape) + _HEADER_BYTES for shape in shapes)
    if not hasattr(os, "posix_fallocate"):
        if shutil.disk_usage(directory).free < num_bytes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return
    with tempfile.TemporaryFile(dir=directory) as stream:
        os.posix_fallocate(stream.fileno(), 0, num_bytes)


def set_usual_mode(path: str | os.PathLike) -> None:
    """Gives a file the permissions that a new file has."""
    os.chmod(path, 0o666 & ~_umask())


def sha256_of(path: str | os.PathLike) -> str:
    """Returns the SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def remove_abandoned(
    parent: pathlib.Path,
    prefix: str,
    settled_seconds: float,
) -> None:
    """Removes directories that `atomic_directory` of a killed process left.

    Args:
        parent: where they are.
        prefix: str. How their names begin.
        settled_seconds: float. Younger ones are left alone: another process
            may have made them just now.
    """
    for left in parent.glob(glob.escape(prefix) + "*"):
        try:
            age = time.time() - left.stat().st_mtime
            lock = _lock(left) if age >= settled_seconds else None
        except OSError:
            continue
        if lock is not None:
            shutil.rmtree(left, ignore_errors=True)
            os.close(lock)


@contextlib.contextmanager
def held(directory: pathlib.Path) -> Iterator[None]:
    """Keeps a directory from other processes that ask for it with this.

    The system gives it back when the process ends, however it ends, and with
    it all that it had forked.

    Raises:
        BlockingIOError: if another process has it. Not where the system, or
            a network's disk, has no such locks.
    """
    if fcntl is None:
        yield
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:
            pass
        yield
        # Children that were forked meanwhile have it open too.
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


def _lock(directory: pathlib.Path) -> int | None:
    """Returns a descriptor that holds the directory, `None` if another does.

    Also `None` where the system has no such locks.
    """
    if fcntl is None:
        return None
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _exchange(new: pathlib.Path, path: pathlib.Path) -> bool:
    """Lets two paths change places in one step; returns whether it could."""
    if not sys.platform.startswith("linux"):
        return False
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    names = os.fsencode(new), os.fsencode(path)
    here = _AT_CURRENT_DIRECTORY
    return rename(here, names[0], here, names[1], _RENAME_EXCHANGE) == 0


def _swap(new: pathlib.Path, path: pathlib.Path) -> None:
    if not path.exists():
        new.rename(path)
        _flush(path.parent)
        return
    if _exchange(new, path):
        _flush(path.parent)
        return
    previous = pathlib.Path(
        tempfile.mkdtemp(prefix=f".{path.name}.previous-", dir=path.parent)
    )
    path.rename(previous / path.name)
    try:
        new.rename(path)
    except OSError:
        (previous / path.name).rename(path)
        previous.rmdir()
        raise
    _flush(path.parent)
    shutil.rmtree(previous, ignore_errors=True)


def _flush_tree(root: pathlib.Path) -> None:
    for folder, _, names in os.walk(root):
        for name in names:
            _flush(pathlib.Path(folder) / name)
        _flush(pathlib.Path(folder))


def _flush(path: pathlib.Path) -> None:
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
