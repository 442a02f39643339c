"""The arrays in a safetensors file.

The `safetensors` package checks header, offsets and file size, and memory-maps
the arrays; its errors become `InputError` with the file's name.
"""

import contextlib
import functools
import pathlib
from collections.abc import Iterator
from collections.abc import Mapping

import numpy as np
import safetensors
import safetensors.numpy

from keras_bert_zoo import atomic_io
from keras_bert_zoo.checkpoints.rules import Variables
from keras_bert_zoo.errors import InputError

NAME = "safetensors"
SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
SUFFIXES = (".safetensors",)

_READABLE = ("BOOL", "U8", "I32", "I64", "F16", "BF16", "F32", "F64")


def open_file(path: pathlib.Path) -> Variables:
    """Returns the arrays of a file, none read yet.

    Raises:
        InputError: if it is missing, truncated or corrupt.
    """
    # It stays open, and mapped, as long as its arrays are wanted.
    opened = functools.cache(_open)
    return Variables(_shapes(path), lambda name: _read(opened, path, name))


def save_model(
    arrays: Mapping[str, np.ndarray], directory: pathlib.Path
) -> None:
    """Writes the arrays as `model.safetensors`.

    Raises:
        OSError: if the disk is full.
    """
    path = directory / SINGLE
    try:
        safetensors.numpy.save_file(
            dict(arrays), path, metadata={"format": "pt"}
        )
    except safetensors.SafetensorError as error:
        # A full disk: what every other write raises.
        raise OSError(f"{path}: {error}") from error
    # The library lets nobody else read it.
    atomic_io.set_usual_mode(path)


def _shapes(path: pathlib.Path) -> dict[str, tuple[int, ...]]:
    with _errors_named(path), _open(path) as store:
        shapes = {}
        for name in store.keys():
            view = store.get_slice(name)
            if view.get_dtype() not in _READABLE:
                raise InputError(
                    f"{path}: variable {name!r} must be of a type among "
                    f"{', '.join(_READABLE)}. Received: {view.get_dtype()}. "
                    "Convert the model to float32 first."
                )
            shapes[name] = tuple(view.get_shape())
        return shapes


def _read(opened, path: pathlib.Path, name: str) -> np.ndarray:
    with _errors_named(path):
        return opened(path).get_tensor(name)


def _open(path: pathlib.Path) -> safetensors.safe_open:
    return safetensors.safe_open(path, framework="numpy")


@contextlib.contextmanager
def _errors_named(path: pathlib.Path) -> Iterator[None]:
    try:
        yield
    except (safetensors.SafetensorError, OSError) as error:
        raise InputError(
            f"{path} must be a whole safetensors file. Received a file that "
            f"cannot be read: {error}. Fetch it again."
        ) from error
