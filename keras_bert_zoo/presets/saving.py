"""Writes model directories."""

import os
import pathlib
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_bert_zoo import atomic_io
from keras_bert_zoo.checkpoints import HeadWeights
from keras_bert_zoo.checkpoints import check_registered
from keras_bert_zoo.checkpoints import has_published_class
from keras_bert_zoo.checkpoints import is_published
from keras_bert_zoo.checkpoints import write_huggingface
from keras_bert_zoo.checkpoints.engine import check_vocabulary
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.presets import directory as layout
from keras_bert_zoo.presets.catalog import Provenance
from keras_bert_zoo.presets.model_card import CardFacts
from keras_bert_zoo.presets.model_card import model_card
from keras_bert_zoo.tokenization import Tokenizer


def save_preset(
    encoder: keras.Model,
    tokenizer: Tokenizer | None,
    directory: str | os.PathLike,
    *,
    provenance: Provenance | None = None,
    card: CardFacts | None = None,
    overwrite: bool = False,
) -> None:
    """Writes an encoder and its tokenizer, all or nothing.

    The directory is one of Hugging Face's, with a model card and `task.json`.

    Args:
        encoder: `BertEncoder`, or another whose class is registered.
        tokenizer: `Tokenizer`, or `None` to save the encoder alone.
        directory: where to write.
        provenance: where the weights come from.
        card: what else the model card says.
        overwrite: bool. Whether an existing directory may be replaced.

    Raises:
        InputError: if the directory exists and `overwrite` is false, or the
            encoder is not registered, or not of plain, finite floats.
    """
    with atomic_io.atomic_directory(directory, overwrite) as temporary:
        write_preset(
            encoder,
            tokenizer,
            temporary,
            name=pathlib.Path(directory).name,
            provenance=provenance,
            card=card,
        )


def write_preset(
    encoder: keras.Model,
    tokenizer: Tokenizer | None,
    directory: pathlib.Path,
    *,
    name: str,
    task: Mapping[str, Any] | None = None,
    heads: Sequence[HeadWeights] = (),
    head_variables: Mapping[str, keras.Variable] | None = None,
    provenance: Provenance | None = None,
    card: CardFacts | None = None,
) -> None:
    """Writes the files of a model into a directory that exists.

    Not atomic by itself: for callers that rename the directory when all files
    are there.

    Args:
        encoder: see `save_preset`.
        tokenizer: `Tokenizer` or `None`.
        directory: where to write.
        name: str. The model's, for the card.
        task: what `task.json` says of the head: its name as `head`, its
            options as `config`.
        heads: the head in its published form, if it has one; or the two of
            pre-training.
        head_variables: the head's variables by path. They are written too
            where the published form does not hold all of them, or no
            published class gives the same outputs.
        provenance, card: see `save_preset`.

    Raises:
        InputError: if the encoder is not registered or not of plain floats,
            has fewer rows than the tokenizer tokens, or a weight is not
            finite.
        OSError: if the disk is full.
    """
    check_registered(encoder)
    if encoder.quantization_mode is not None:
        raise InputError(
            "A model directory holds an encoder of plain floats. Received: "
            f"{encoder.dtype_policy.name}. Save it before it is quantized."
        )
    if tokenizer is not None:
        if not isinstance(tokenizer, Tokenizer):
            raise InputError(
                "A model directory holds a `Tokenizer`, or none. Received: "
                f"{tokenizer!r:.80}. Pass `load_tokenizer(...)` of a preset."
            )
        check_vocabulary(tokenizer, encoder.get_config(), name)
    provenance = provenance or Provenance()
    variables = dict(head_variables or {})
    for one in (*encoder.weights, *variables.values()):
        _check_finite(one)
    if not all(has_published_class(encoder, head) for head in heads):
        heads = ()
    if heads and sum(len(head.weights) for head in heads) == len(variables):
        variables = {}
    shapes = [v.shape for v in (*encoder.weights, *variables.values())]
    for head in heads:
        shapes += [array.shape for array in head.weights.values()]
    atomic_io.check_disk_space(directory, shapes)
    write_huggingface(
        encoder,
        directory,
        heads=heads,
        own={path: _array(one) for path, one in variables.items()},
        padding_id=0 if tokenizer is None else tokenizer.padding_id,
    )
    if tokenizer is not None:
        tokenizer.save(directory)
    task = {"head": None, **(task or {})}
    layout.write_task(
        directory,
        {**task, "provenance": vars(provenance)},
        [file.name for file in sorted(directory.iterdir())],
    )
    text = model_card(
        name,
        head=task["head"] or "",
        head_config=task.get("config"),
        published=heads[0] if heads else None,
        is_bert=is_published(encoder),
        provenance=provenance,
        facts=card or CardFacts(),
    )
    (directory / layout.CARD_FILE).write_text(text, encoding="utf-8")


def _array(variable: keras.Variable) -> np.ndarray:
    return keras.ops.convert_to_numpy(keras.ops.cast(variable, "float32"))


def _check_finite(variable: keras.Variable) -> None:
    if not keras.ops.all(keras.ops.isfinite(variable)):
        raise InputError(
            "A saved model holds finite numbers. Received: NaN or infinity in "
            f"{variable.path}. Its training went wrong: lower the learning "
            "rate, and train again."
        )
