"""The layout of a preset directory, and what must hold of its files."""

import inspect
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import h5py

from keras_bert_zoo import files
from keras_bert_zoo.checkpoints.json_file import read_json
from keras_bert_zoo.checkpoints.shapes import check_config
from keras_bert_zoo.checkpoints.shapes import count_parameters
from keras_bert_zoo.checkpoints.shapes import encoder_shapes
from keras_bert_zoo.encoders.bert import BertEncoder
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.presets.catalog import preset_names

CONFIG = "config.json"
WEIGHTS = "model.weights.h5"
METADATA = "metadata.json"
TOKENIZER = "assets/tokenizer"

FORMAT = "keras_bert_zoo.encoder"
FORMAT_VERSION = 1

_UNSAVED = ("self", "name", "kwargs")


def config_keys() -> tuple[str, ...]:
    """Returns the encoder's arguments that a directory records."""
    parameters = inspect.signature(BertEncoder.__init__).parameters
    return tuple(key for key in parameters if key not in _UNSAVED)


def is_preset_directory(preset: str | os.PathLike) -> bool:
    """Says whether the argument is a path rather than a preset's name.

    A known name is that preset, whatever lies in the working directory:
    `./NAME` is the directory.
    """
    text = os.fspath(preset)
    if isinstance(preset, os.PathLike):
        return True
    if any(separator in text for separator in (os.sep, "/", ".")):
        return True
    return text not in preset_names() and pathlib.Path(text).is_dir()


def read_config(directory: pathlib.Path) -> dict:
    """Returns the arguments of the saved encoder.

    Raises:
        InputError: if the directory or `config.json` is missing, or the file
            states anything but a `BertEncoder` of this format.
    """
    if not directory.is_dir():
        raise InputError(
            "A preset must be a known name, or a directory that "
            f"`save_preset` wrote. Received: {directory}, which is no "
            "directory. Check the path."
        )
    path = directory / CONFIG
    content = read_json(path)
    if content.get("format") != FORMAT:
        raise InputError(
            f'{path} must state "format": "{FORMAT}". Received: '
            f"{content.get('format')!r}. Another library's checkpoint "
            "becomes a preset with `bert-zoo convert`."
        )
    if content.get("format_version") != FORMAT_VERSION:
        raise InputError(
            f"{path} must be of format version {FORMAT_VERSION}. Received: "
            f"{content.get('format_version')!r}. Install the version of "
            "keras-bert-zoo that wrote it."
        )
    config = content.get("config")
    if not isinstance(config, dict) or set(config) != set(config_keys()):
        found = set(config) if isinstance(config, dict) else set()
        odd = sorted(found ^ set(config_keys()))
        raise InputError(
            f"{path}: `config` must hold exactly the arguments of "
            f"`BertEncoder`. Received: missing or unknown {', '.join(odd)}. "
            "Save the preset again."
        )
    check_config(config, str(path))
    if not isinstance(config["dtype"], str):
        raise InputError(
            f"{path}: `dtype` must be a name. Received: {config['dtype']!r}. "
            "Save the preset again."
        )
    return config


def check_files(directory: pathlib.Path, prefix: str = "") -> None:
    """Checks the files whose SHA-256 `metadata.json` records.

    Args:
        directory: of the preset.
        prefix: only files whose path starts so.

    Raises:
        InputError: naming the file that is missing or was changed.
    """
    path = directory / METADATA
    if not path.is_file():
        return
    recorded = read_json(path).get("sha256", {})
    if not isinstance(recorded, dict):
        raise InputError(
            f"{path}: `sha256` must map files to hashes. Received: "
            f"{type(recorded).__name__}. Save the preset again."
        )
    for name, expected in recorded.items():
        if not name.startswith(prefix):
            continue
        inside = pathlib.PurePosixPath(name)
        if inside.is_absolute() or ".." in inside.parts:
            raise InputError(
                f"{path}: `sha256` must name files of the preset. Received: "
                f"{name!r}. Do not load this preset."
            )
        if not (directory / name).is_file():
            raise InputError(
                f"{directory} must hold {name}. Received a directory without "
                "it. Copy the whole preset again."
            )
        if files.sha256_of(directory / name) != expected:
            raise InputError(
                f"{directory / name} must have the SHA-256 that {METADATA} "
                "records. Received other content: it is truncated, or was "
                "changed. Copy the preset again; or remove the entry from "
                f"{METADATA} if the change is meant."
            )


def check_weights(path: pathlib.Path, config: Mapping[str, Any]) -> None:
    """Checks that a weights file holds the whole encoder and nothing else.

    Keras alone does not mind layers that the encoder lacks. A file says how
    large its arrays are, and an encoder of that size is made; so it must have
    all of their bytes.

    Raises:
        InputError: if it is missing, damaged, or of another size.
    """
    if not path.is_file():
        raise InputError(
            f"{path} must hold the weights. Received a directory without it. "
            "Copy the whole preset again."
        )
    sizes, elsewhere = [], []

    def add(name, item):
        if not isinstance(item, h5py.Dataset) or item.dtype.kind not in "fV":
            return
        sizes.append(item.size or 0)
        is_whole = item.id.get_storage_size() >= item.nbytes
        if item.external or item.is_virtual or not is_whole:
            elsewhere.append(name)

    try:
        with h5py.File(path, "r") as store:
            store.visititems(add)
    # What h5py raises for a damaged file has no common base.
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise InputError(
            f"{path} must be a whole HDF5 file. Received a file that cannot "
            f"be read: {error}. Copy the preset again."
        ) from error
    if elsewhere:
        raise InputError(
            f"{path} must hold all numbers itself, uncompressed. Received: "
            f"{elsewhere[0]}, which it does not. Copy the preset again."
        )
    expected = count_parameters(config)
    if sum(sizes) != expected:
        raise InputError(
            f"{path} must hold {expected} parameters. Received: "
            f"{sum(sizes)}. The file belongs to another encoder; copy the "
            "preset again."
        )


def check_overrides(
    path: pathlib.Path, saved: Mapping[str, Any], changed: Mapping[str, Any]
) -> None:
    """Checks that the saved weights fit the encoder that is asked for.

    Args:
        path: of the preset.
        saved: arguments of the saved encoder.
        changed: the same with overrides. Only the pooler may go.

    Raises:
        InputError: if a size differs.
    """
    check_config(changed, str(path))
    had, wanted = encoder_shapes(saved), encoder_shapes(changed)
    if not changed["use_pooler"]:
        had = {
            name: shape
            for name, shape in had.items()
            if not name.startswith("pooler/")
        }
    if had != wanted or saved["num_heads"] != changed["num_heads"]:
        differing = sorted(key for key in saved if saved[key] != changed[key])
        raise InputError(
            "An override cannot change a size that the weights have. "
            f"Received: another {', '.join(differing)} than {path} was saved "
            "with. Leave it out, or pass load_weights=False."
        )
