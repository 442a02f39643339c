"""The arrays of a model in one safetensors file or in several.

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
from keras_bert_zoo.checkpoints.json_file import read_json
from keras_bert_zoo.checkpoints.rules import Variables
from keras_bert_zoo.errors import InputError

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"

_READABLE = ("BOOL", "U8", "I32", "I64", "F16", "BF16", "F32", "F64")


def open_model(directory: pathlib.Path) -> Variables:
    """Returns the arrays of a model directory, none read yet.

    Raises:
        InputError: if a file is missing, truncated or corrupt; if the index
            names files outside of the directory; or if index and files
            disagree.
    """
    if (directory / SINGLE).is_file():
        shards = {directory / SINGLE: None}
    else:
        shards = _indexed(directory)
    shapes, homes = {}, {}
    for path, expected in shards.items():
        shapes_in_file = _shapes(path)
        for name in shapes_in_file:
            if name in homes:
                raise InputError(
                    f"A variable must stand in one file. Received: {name!r} "
                    f"in {homes[name]} and {path}. Fetch the model again."
                )
            homes[name] = path
        missing = sorted(set(expected or ()) - set(shapes_in_file))
        if missing:
            raise InputError(
                f"{directory / INDEX} must agree with the files. Received: "
                f"{missing[0]!r} in {path.name}, which lacks it. Fetch the "
                "model again."
            )
        shapes.update(shapes_in_file)
    # Each file stays open, and mapped, as long as its arrays are wanted.
    opened = functools.cache(_open)
    return Variables(shapes, lambda name: _read(opened, homes[name], name))


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


def _indexed(directory: pathlib.Path) -> dict[pathlib.Path, list[str]]:
    index = directory / INDEX
    places = read_json(index).get("weight_map")
    if not isinstance(places, dict) or not places:
        raise InputError(
            f"{index} must map variables to files under 'weight_map'. "
            f"Received: {type(places).__name__}. Fetch the model again."
        )
    shards = {}
    for name, file in places.items():
        plain = isinstance(file, str) and file == pathlib.Path(file).name
        if not plain or "\\" in file or not file.endswith(".safetensors"):
            raise InputError(
                f"{index} must name safetensors files beside it. Received: "
                f"{file!r} for {name!r}. Do not load this model."
            )
        shards.setdefault(directory / file, []).append(name)
    return shards


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
