"""`task.json`: what a model directory of ours says beyond Hugging Face's files.

A model directory is Hugging Face's: `config.json`, `model.safetensors`, the
tokenizer's files, a model card. `task.json` holds the head with its options,
how the model was trained to read, and the SHA-256 of every file that loading
reads, so that a copy that is truncated or changed is not loaded.
"""

import hashlib
import json
import pathlib
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

import keras

import keras_bert_zoo
from keras_bert_zoo import atomic_io
from keras_bert_zoo.checkpoints.json_file import read_json
from keras_bert_zoo.errors import InputError

TASK_FILE = "task.json"
WEIGHTS_FILE = "model.safetensors"
CARD_FILE = "README.md"

FORMAT = "keras_bert_zoo"
FORMAT_VERSION = 1

_HASHES = "sha256"
# Key -> the types that its value may have.
_TYPES = {
    "head": (str, type(None)),
    "config": (dict, type(None)),
    "sequence_length": (int, type(None)),
    "freeze_encoder": (bool,),
    "freeze_embeddings": (bool,),
    "provenance": (dict, type(None)),
    _HASHES: (dict,),
}


def write_task(
    directory: pathlib.Path, task: Mapping[str, Any], names: Iterable[str]
) -> None:
    """Writes `task.json`.

    Args:
        directory: of the model.
        task: what it holds, JSON-able.
        names: files in the directory whose SHA-256 is recorded.
    """
    content = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "keras_bert_zoo_version": keras_bert_zoo.__version__,
        "keras_version": keras.__version__,
        **task,
    }
    hashes = {name: atomic_io.sha256_of(directory / name) for name in names}
    hashes[TASK_FILE] = _digest(content)
    text = json.dumps({**content, _HASHES: hashes}, indent=2)
    (directory / TASK_FILE).write_text(text + "\n", encoding="utf-8")


def read_task(directory: pathlib.Path) -> dict:
    """Returns what `task.json` holds; an empty dict where there is none.

    keras-hub has files of that name too: one of another format is none.

    Raises:
        InputError: if the file is damaged, changed, or of a later version.
    """
    path = directory / TASK_FILE
    if not path.is_file():
        return {}
    content = read_json(path)
    if content.get("format") != FORMAT:
        return {}
    if content.get("format_version") != FORMAT_VERSION:
        raise InputError(
            f"{path} must be of format version {FORMAT_VERSION}. Received: "
            f"{content.get('format_version')!r}. Install the version of "
            "keras-bert-zoo that wrote it."
        )
    for key, types in _TYPES.items():
        # A bool is an int, too.
        if key in content and type(content[key]) not in types:
            raise InputError(
                f"{path}: `{key}` must be of the type "
                f"{' or '.join(one.__name__ for one in types)}. Received: "
                f"{content[key]!r:.80}. Save the model again."
            )
    recorded = content.get(_HASHES, {})
    for name in recorded:
        inside = pathlib.PurePosixPath(name)
        if inside.is_absolute() or ".." in inside.parts:
            raise InputError(
                f"{path}: `{_HASHES}` must name files of the directory. "
                f"Received: {name!r}. Do not load this model."
            )
    if recorded.get(TASK_FILE, _digest(content)) != _digest(content):
        raise _changed(path)
    return content


def check_files(
    directory: pathlib.Path, task: Mapping[str, Any], *, weights: bool
) -> None:
    """Checks files against the SHA-256 that `task.json` records.

    Args:
        directory: of the model.
        task: what `read_task` returned.
        weights: bool. Whether to check the weights, or all other files.

    Raises:
        InputError: naming the file that is missing or was changed.
    """
    for name, expected in task.get(_HASHES, {}).items():
        if name == TASK_FILE or (name == WEIGHTS_FILE) != weights:
            continue
        path = directory / name
        if not path.is_file():
            raise InputError(
                f"{directory} must hold {name}. Received a directory without "
                "it. Copy the whole model again."
            )
        if atomic_io.sha256_of(path) != expected:
            raise _changed(path)


def _changed(path: pathlib.Path) -> InputError:
    return InputError(
        f"{path} must have the SHA-256 that {TASK_FILE} records. Received "
        "other content: it is truncated, or was changed. Copy the model "
        f"again; or remove the entry from {TASK_FILE} if the change is meant."
    )


def _digest(content: Mapping[str, Any]) -> str:
    rest = {key: value for key, value in content.items() if key != _HASHES}
    text = json.dumps(rest, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
