"""Backups of a run on disk: numbered, checked, the last two kept.

    DIRECTORY/backup-00000007/arrays.safetensors
                              state.json

A backup stands there whole or not at all. `state.json` holds the state and
the SHA-256 of both.
"""

import contextlib
import hashlib
import json
import os
import pathlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
from absl import logging

from keras_bert_zoo import atomic_io
from keras_bert_zoo.atomic_io import atomic_directory
from keras_bert_zoo.atomic_io import remove_abandoned
from keras_bert_zoo.atomic_io import sha256_of
from keras_bert_zoo.errors import InputError

_NAME = re.compile(r"backup-(\d{8,})")
# What a killed process leaves.
_PART = re.compile(r"\.backup-\d{8,}\.(partial|previous)-.*")
_ARRAYS = "arrays.safetensors"
_STATE = "state.json"
_DAMAGE = (
    OSError,
    ValueError,
    KeyError,
    RecursionError,
    TypeError,
    safetensors.SafetensorError,
)


def check_writable(directory: str | os.PathLike) -> None:
    """Checks that a run's backups can be written, and leaves no trace.

    Args:
        directory: of a run's backups; it need not exist.

    Raises:
        InputError: if nothing can be written there.
    """
    place = pathlib.Path(directory).absolute()
    # No directory is made where a link leads nowhere.
    while not os.path.lexists(place):
        place = place.parent
    try:
        tempfile.TemporaryFile(dir=place).close()
    except OSError as error:
        raise InputError(
            "Backups are written to a directory of their own. Received: "
            f"{directory}, where that fails: {error}. Choose another."
        ) from error


@contextlib.contextmanager
def held(directory: str | os.PathLike) -> Iterator[None]:
    """Keeps other runs from a directory of backups, which is made if needed.

    Raises:
        InputError: if another run has it.
        OSError: if it cannot be made.
    """
    directory = pathlib.Path(directory)
    is_new = not directory.is_dir()
    directory.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(atomic_io.held(directory))
        except BlockingIOError as error:
            raise InputError(
                "Backups are written to a directory of their own. Received: "
                f"{directory}, where another run that has not ended writes "
                "its own. Wait for it, or choose another."
            ) from error
        try:
            yield
        finally:
            # If nothing was written.
            if is_new:
                with contextlib.suppress(OSError):
                    directory.rmdir()


def write(
    directory: str | os.PathLike,
    state: dict,
    arrays: Mapping[str, np.ndarray],
    before: pathlib.Path | None = None,
) -> pathlib.Path:
    """Writes a backup and removes all others but one.

    Args:
        directory: of a run's backups.
        state: JSON-able.
        arrays: by name.
        before: of the last backup that is whole, which is kept.

    Returns:
        The new backup's directory.

    Raises:
        OSError: if it cannot be written; those before it are left alone.
    """
    directory = pathlib.Path(directory)
    earlier = _backups(directory)
    number = 1 + (_number(earlier[-1]) if earlier else 0)
    path = directory / f"backup-{number:08}"
    with atomic_directory(path) as temporary:
        try:
            safetensors.numpy.save_file(dict(arrays), temporary / _ARRAYS)
        except safetensors.SafetensorError as error:
            raise OSError(str(error)) from error
        digest = sha256_of(temporary / _ARRAYS)
        document = {"sha256": _digest(state, digest), "state": state}
        (temporary / _STATE).write_text(json.dumps(document), "utf-8")
    for old in earlier:
        if before is None or old.name != before.name:
            shutil.rmtree(old, ignore_errors=True)
    return path


def newest(
    directory: str | os.PathLike,
) -> tuple[pathlib.Path, dict, dict[str, np.ndarray]] | None:
    """Returns path, state and arrays of the last backup that is whole.

    Args:
        directory: of a run's backups; it need not exist.

    Returns:
        `None` where there is no backup.

    Raises:
        InputError: if there are backups and all of them are damaged.
    """
    found = _backups(pathlib.Path(directory))
    for path in reversed(found):
        try:
            return path, *_read(path)
        except _DAMAGE as error:
            logging.warning("%s is damaged and passed over: %s", path, error)
    if found:
        raise InputError(
            "A run goes on from its last backup. Received: "
            f"{directory}, in which all of them are damaged. Remove it, to "
            "start anew."
        )
    return None


def setting(directory: str | os.PathLike, name: str) -> Any:
    """Returns a setting of the run that the last backup is of.

    Args:
        directory: of a run's backups; it need not exist.
        name: str.

    Returns:
        `None` where there is no backup, or none that can be read.
    """
    for path in reversed(_backups(pathlib.Path(directory))):
        try:
            document = json.loads((path / _STATE).read_text("utf-8"))
            return document["state"]["settings"].get(name)
        except (*_DAMAGE, AttributeError):
            continue
    return None


def remove_parts(directory: str | os.PathLike) -> None:
    """Removes what a killed process had begun to write."""
    directory = pathlib.Path(directory)
    if directory.is_dir():
        for path in list(directory.iterdir()):
            # One run alone writes there.
            if _PART.fullmatch(path.name):
                remove_abandoned(directory, path.name, settled_seconds=0)


def exist(directory: str | os.PathLike) -> bool:
    """Returns whether a directory holds backups, damaged or not."""
    return bool(_backups(pathlib.Path(directory)))


def remove(directory: str | os.PathLike) -> None:
    """Removes all backups, and the directory if nothing else is in it."""
    directory = pathlib.Path(directory)
    if not directory.is_dir():
        return
    # Killed meanwhile, none is left in part, and the last one longest.
    for path in _backups(directory):
        with contextlib.suppress(OSError):
            path.rename(directory / f".{path.name}.partial-removed")
    for path in directory.iterdir():
        if _NAME.fullmatch(path.name) or _PART.fullmatch(path.name):
            shutil.rmtree(path, ignore_errors=True)
    with contextlib.suppress(OSError):
        directory.rmdir()


def _read(path):
    document = json.loads((path / _STATE).read_text("utf-8"))
    state = document["state"]
    digest = sha256_of(path / _ARRAYS)
    if document["sha256"] != _digest(state, digest):
        raise ValueError("its checksum is another")
    return state, safetensors.numpy.load_file(path / _ARRAYS)


def _digest(state, digest_of_arrays):
    text = digest_of_arrays + json.dumps(state)
    return hashlib.sha256(text.encode()).hexdigest()


def _backups(directory):
    if not directory.is_dir():
        return []
    found = [one for one in directory.iterdir() if _NAME.fullmatch(one.name)]
    return sorted(found, key=_number)


def _number(path):
    return int(_NAME.fullmatch(path.name)[1])
