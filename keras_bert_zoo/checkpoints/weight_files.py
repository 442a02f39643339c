"""The arrays of a model directory, in one file or in several, of any format.

A format is a module with `open_file`, the names of the `SINGLE` file and of
the `INDEX` of several, and the `SUFFIXES` of its files.
"""

import pathlib
import types
from collections.abc import Mapping

from keras_bert_zoo.checkpoints import safetensors_files
from keras_bert_zoo.checkpoints import torch_files
from keras_bert_zoo.checkpoints.json_file import read_json
from keras_bert_zoo.checkpoints.rules import Variables
from keras_bert_zoo.errors import InputError

# The first that is there is read.
_FORMATS = (safetensors_files, torch_files)


def is_weight_file(path: pathlib.Path) -> bool:
    """Says whether a path is a file that is named as weights are."""
    return _format_of(path) is not None and path.is_file()


def open_weights(path: pathlib.Path) -> Variables:
    """Returns the arrays of a model, none read yet.

    Args:
        path: a model directory; or one file of weights, which brings the
            others where an index beside it names it.

    Raises:
        InputError: if a file is missing, truncated or corrupt; if the index
            names files outside of the directory; or if index and files
            disagree.
    """
    if path.is_file():
        one = _format_of(path)
        index = path.parent / one.INDEX
        if index.is_file() and path in _indexed(index, one):
            return _opened(index, one)
        return one.open_file(path)
    for one in _FORMATS:
        if (path / one.SINGLE).is_file():
            return one.open_file(path / one.SINGLE)
        if (path / one.INDEX).is_file():
            return _opened(path / one.INDEX, one)
    wanted = [name for one in _FORMATS for name in (one.SINGLE, one.INDEX)]
    there = sorted(file.name for file in path.iterdir())
    raise InputError(
        f"{path} must hold {' or '.join(wanted)}. Received: "
        f"{', '.join(there)}. Name the file itself if its name is another, or "
        "save the model with `save_pretrained` of a recent `transformers`."
    )


def _format_of(path: pathlib.Path) -> types.ModuleType | None:
    for one in _FORMATS:
        if path.suffix in one.SUFFIXES:
            return one
    return None


def _opened(index: pathlib.Path, one: types.ModuleType) -> Variables:
    """Opens the files that an index names as one model."""
    shapes, homes = {}, {}
    for path, expected in _indexed(index, one).items():
        opened = one.open_file(path)
        for name in opened.shapes:
            if name in homes:
                raise InputError(
                    f"A variable must stand in one file. Received: {name!r} "
                    f"in {index.parent} twice, again in {path.name}. Fetch "
                    "the model again."
                )
            homes[name] = opened
        missing = sorted(set(expected) - set(opened.shapes))
        if missing:
            raise InputError(
                f"{index} must agree with the files. Received: "
                f"{missing[0]!r} in {path.name}, which lacks it. Fetch the "
                "model again."
            )
        shapes.update(opened.shapes)
    return Variables(shapes, lambda name: homes[name].read(name))


def _indexed(
    index: pathlib.Path, one: types.ModuleType
) -> Mapping[pathlib.Path, list[str]]:
    places = read_json(index).get("weight_map")
    if not isinstance(places, dict) or not places:
        raise InputError(
            f"{index} must map variables to files under 'weight_map'. "
            f"Received: {type(places).__name__}. Fetch the model again."
        )
    shards: dict[pathlib.Path, list[str]] = {}
    for name, file in places.items():
        plain = isinstance(file, str) and file == pathlib.Path(file).name
        if not plain or "\\" in file or not file.endswith(one.SUFFIXES):
            raise InputError(
                f"{index} must name {one.NAME} files beside it. Received: "
                f"{file!r} for {name!r}. Do not load this model."
            )
        shards.setdefault(index.parent / file, []).append(name)
    return shards
