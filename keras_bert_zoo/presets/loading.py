"""Loads encoders and tokenizers, by preset or from a directory."""

import os
import pathlib

from absl import logging

from keras_bert_zoo import checkpoints
from keras_bert_zoo.checkpoints import engine as checkpoint_engine
from keras_bert_zoo.encoders.bert import BertEncoder
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.presets import directory as layout
from keras_bert_zoo.presets.catalog import preset_info
from keras_bert_zoo.tokenization.wordpiece.tokenizer import BertTokenizer


def load_encoder(
    preset: str | os.PathLike,
    *,
    load_weights: bool = True,
    dtype=None,
    **overrides,
) -> BertEncoder:
    """Builds the encoder of a preset.

    Args:
        preset: name of a preset, or a directory that `save_preset` wrote.
        load_weights: bool. Whether to load the weights rather than draw
            random ones.
        dtype: dtype policy, or `None` for the global policy (of a directory:
            the one it was saved with).
        **overrides: arguments of `BertEncoder` to change, such as `dropout`.

    Raises:
        InputError: if the preset is unknown, its weights cannot be fetched,
            a file is missing, truncated or changed, or an override changes
            a size that the weights have.
    """
    unknown = sorted(set(overrides) - set(layout.config_keys()))
    if unknown:
        raise InputError(
            "An override must be an argument of `BertEncoder`. Received: "
            f"{', '.join(unknown)}. Known: {', '.join(layout.config_keys())}."
        )
    if layout.is_preset_directory(preset):
        path = pathlib.Path(preset)
        return _load_directory(path, load_weights, dtype, overrides)
    info = preset_info(os.fspath(preset))
    config = {**info.config, **overrides, "dtype": dtype}
    if not load_weights:
        return BertEncoder(**config)
    contents = _open(info)
    encoder, report = checkpoint_engine.load_encoder(contents, **config)
    if report.ignored:
        logging.info(
            "Preset %s: ignored %s.", info.name, ", ".join(report.ignored)
        )
    return encoder


def load_tokenizer(
    preset: str | os.PathLike, engine: str = "auto"
) -> BertTokenizer:
    """Returns the tokenizer of a preset.

    Args:
        preset: name of a preset, or a directory that `save_preset` wrote.
        engine: `auto`, `fast` or `graph`; see `BertTokenizer`.

    Raises:
        InputError: if the preset is unknown or has no tokenizer, or its
            vocabulary cannot be fetched.
    """
    if layout.is_preset_directory(preset):
        path = pathlib.Path(preset)
        layout.read_config(path)
        if not (path / layout.TOKENIZER).is_dir():
            raise InputError(
                f"{path} must hold {layout.TOKENIZER}. Received a preset "
                "without a tokenizer. Save it again with one."
            )
        layout.check_files(path, prefix=layout.TOKENIZER)
        return BertTokenizer.load(path / layout.TOKENIZER, engine=engine)
    info = preset_info(os.fspath(preset))
    tokenizer = checkpoint_engine.read_tokenizer(_open(info), info.config)
    return BertTokenizer(tokenizer.vocabulary, engine=engine, **info.tokenizer)


def load_head(preset: str, kind: str) -> checkpoints.HeadWeights | None:
    """Returns a head that comes with a preset's published weights, if any.

    Args:
        preset: name of a preset.
        kind: name of the head.

    Raises:
        InputError: if the preset is unknown or cannot be fetched.
    """
    return checkpoint_engine.load_head(_open(preset_info(preset)), kind)


def _open(info) -> checkpoints.Contents:
    try:
        return checkpoints.open_checkpoint(info.source)
    except InputError as error:
        raise InputError(f"Preset {info.name}: {error}") from error


def _load_directory(
    path: pathlib.Path, load_weights: bool, dtype, overrides: dict
) -> BertEncoder:
    saved = layout.read_config(path)
    config = {**saved, **overrides, "dtype": dtype or saved["dtype"]}
    weights = path / layout.WEIGHTS
    if load_weights:
        layout.check_overrides(path, saved, config)
        layout.check_files(path)
        layout.check_weights(weights, saved)
    try:
        encoder = BertEncoder(**config)
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{path / layout.CONFIG} must state an encoder. Received: "
            f"{error} Save the preset again."
        ) from error
    if load_weights:
        try:
            encoder.load_weights(weights)
        # What Keras raises for another layout has no common base.
        except (ValueError, OSError, KeyError, RuntimeError) as error:
            raise InputError(
                f"{weights} must hold the weights of this encoder. Received "
                f"a file that does not load: {error} Save or copy the preset "
                "again."
            ) from error
    return encoder
