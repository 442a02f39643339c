"""Writes preset directories."""

import json
import os
import pathlib
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

import keras

import keras_bert_zoo
from keras_bert_zoo import files
from keras_bert_zoo.encoders.bert import BertEncoder
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.presets import directory as layout
from keras_bert_zoo.tokenization.wordpiece.tokenizer import BertTokenizer


def save_preset(
    encoder: BertEncoder,
    tokenizer: BertTokenizer | None,
    directory: str | os.PathLike,
    *,
    metadata: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> None:
    """Writes an encoder and its tokenizer, all or nothing.

    Args:
        encoder: `BertEncoder`.
        tokenizer: `BertTokenizer`, or `None` to save the encoder alone.
        directory: where to write.
        metadata: JSON-able facts to keep in `metadata.json`, such as the
            source.
        overwrite: bool. Whether an existing directory may be replaced.

    Raises:
        InputError: if the directory exists and `overwrite` is false, or the
            encoder is no `BertEncoder` of plain, finite floats.
    """
    with files.atomic_directory(directory, overwrite) as temporary:
        write_preset(encoder, tokenizer, temporary, metadata=metadata)


def check_finite(variables: Iterable) -> None:
    """Refuses what could be saved and then not be loaded.

    Raises:
        InputError: if a variable holds NaN or infinity.
    """
    for variable in variables:
        if not keras.ops.all(keras.ops.isfinite(variable)):
            raise InputError(
                "A saved model holds finite numbers. Received: NaN or "
                f"infinity in {variable.path}. Its training went wrong: "
                "lower the learning rate, and train again."
            )


def write_preset(
    encoder: BertEncoder,
    tokenizer: BertTokenizer | None,
    directory: str | os.PathLike,
    *,
    metadata: Mapping[str, Any] | None = None,
    further: Iterable[str] = (),
) -> None:
    """Writes the files of `save_preset` into a directory that exists.

    Not atomic by itself: for callers that add files of their own and rename
    the directory when all are there.

    Args:
        encoder: `BertEncoder`.
        tokenizer: `BertTokenizer` or `None`.
        directory: where to write.
        metadata: JSON-able facts to keep.
        further: names of files in the directory to record with the others.
    """
    directory = pathlib.Path(directory)
    content = {
        "format": layout.FORMAT,
        "format_version": layout.FORMAT_VERSION,
        "config": _config(encoder),
    }
    _write_json(content, directory / layout.CONFIG)
    files.check_hdf5_space(
        directory, [variable.shape for variable in encoder.variables]
    )
    check_finite(encoder.weights)
    encoder.save_weights(directory / layout.WEIGHTS)
    written = [layout.CONFIG, layout.WEIGHTS, *further]
    if tokenizer is not None:
        folder = directory / layout.TOKENIZER
        folder.mkdir(parents=True)
        tokenizer.save(folder)
        written += [
            file.relative_to(directory).as_posix()
            for file in sorted(folder.iterdir())
        ]
    _write_json(
        {
            **(metadata or {}),
            "keras_bert_zoo_version": keras_bert_zoo.__version__,
            "keras_version": keras.__version__,
            "num_parameters": encoder.count_params(),
            "sha256": {
                name: files.sha256_of(directory / name) for name in written
            },
        },
        directory / layout.METADATA,
    )


def _config(encoder: BertEncoder) -> dict:
    if not isinstance(encoder, BertEncoder):
        raise InputError(
            "A preset holds a `BertEncoder`. Received: "
            f"{type(encoder).__name__}. Load its weights with "
            "`load_checkpoint` first."
        )
    if encoder.quantization_mode is not None:
        raise InputError(
            "A preset holds an encoder of plain floats. Received: "
            f"{encoder.dtype_policy.name}. Save it before it is quantized."
        )
    config = encoder.get_config()
    config["dtype"] = encoder.dtype_policy.name
    return {key: config[key] for key in layout.config_keys()}


def _write_json(value: dict, path: pathlib.Path) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8")
