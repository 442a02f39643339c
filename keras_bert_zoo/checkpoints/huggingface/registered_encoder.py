"""Encoders of packages, in model directories that this project writes.

An encoder that is no `BertEncoder` is saved under its registered name:
`config.json` holds the arguments, and the arrays bear the paths of its
variables.
"""

import pathlib
from collections.abc import Mapping
from typing import Any

import keras

from keras_bert_zoo.checkpoints.rules import Variables
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.registry import encoders

# In `config.json`: the model type, so that other libraries refuse the model,
# and the key of what is ours.
OWN = "keras_bert_zoo"
_NAME = "encoder"
_ARGUMENTS = "arguments"

# Before the paths of the encoder's variables.
ENCODER_PREFIX = "encoder/"
# Before those of a head that has no published class.
HEAD_PREFIX = "task_head/"


def check_registered(encoder: keras.Model) -> None:
    """Checks that an encoder can be found again by a name.

    Raises:
        InputError: if no package has registered its class.
    """
    if encoders.name_of(type(encoder)) is None:
        raise InputError(
            "A model directory holds an encoder that is registered. Received: "
            f"{type(encoder).__name__}. Name its class in the entry-point "
            f"group {encoders.group!r}, or save the model as a `.keras` file. "
            f"Registered: {', '.join(encoders.names())}."
        )


def config_json(encoder: keras.Model) -> dict:
    """Returns what `config.json` says of a registered encoder."""
    name = encoders.name_of(type(encoder))
    return {
        "model_type": OWN,
        OWN: {_NAME: name, _ARGUMENTS: encoder.get_config()},
    }


def read_config(
    config: Mapping[str, Any], path: pathlib.Path
) -> tuple[str, dict] | None:
    """Returns a registered encoder's name and arguments, if one is there.

    Args:
        config: what `config.json` holds.
        path: its path, for messages.

    Raises:
        InputError: if they are not what `config_json` writes.
    """
    saved = config.get(OWN)
    if not isinstance(saved, dict) or _NAME not in saved:
        return None
    name, arguments = saved[_NAME], saved.get(_ARGUMENTS)
    if not isinstance(name, str) or not isinstance(arguments, dict):
        raise InputError(
            f"{path}: `{OWN}` must hold an encoder's name and arguments. "
            f"Received: {saved!r:.200}. Save the model again."
        )
    return name, arguments


def split(
    variables: Variables, path: pathlib.Path
) -> tuple[Variables, Variables]:
    """Returns the arrays of the encoder and of the head, by their paths.

    Raises:
        InputError: if an array is of neither.
    """
    names: dict = {ENCODER_PREFIX: {}, HEAD_PREFIX: {}}
    for name in variables.shapes:
        prefix, slash, inside = name.partition("/")
        if prefix + slash not in names:
            raise InputError(
                f"{path} must hold variables under {' and '.join(names)}. "
                f"Received: {name!r}. Save the model again."
            )
        names[prefix + slash][inside] = name
    encoder, head = (variables.renamed(part) for part in names.values())
    return encoder, head
