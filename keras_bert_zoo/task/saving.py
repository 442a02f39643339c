"""A task model on disk: as a model directory, and in Keras's own files."""

import os
import pathlib
from collections.abc import Mapping
from typing import Any

import keras
from absl import logging

from keras_bert_zoo import presets
from keras_bert_zoo.arguments import checked_call
from keras_bert_zoo.arguments import flag
from keras_bert_zoo.atomic_io import atomic_directory
from keras_bert_zoo.checkpoints.rules import read_array
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.registry import heads
from keras_bert_zoo.registry import tokenizers
from keras_bert_zoo.task import TaskHead


def save_task(
    model,
    directory: str | os.PathLike,
    overwrite: bool,
    card: presets.CardFacts | None = None,
) -> None:
    """Writes a `TaskModel` into a new directory, all or nothing.

    A head that `transformers` has a class for is written in its form; the
    variables of others lie in the same file, under names of their own.

    Raises:
        InputError: if the directory exists and `overwrite` is false, or a
            weight is not finite.
    """
    quantized = [
        layer.name
        for layer in _layers_of(model)
        if getattr(layer, "quantization_mode", None) is not None
    ]
    if quantized:
        raise InputError(
            "A saved model holds plain floats. Received: quantized layers "
            f"({', '.join(quantized[:5])}). Save it before it is quantized."
        )
    published = model.head.get_weights(model)
    with atomic_directory(directory, overwrite) as temporary:
        presets.write_preset(
            model.encoder,
            model.tokenizer,
            temporary,
            name=pathlib.Path(directory).name,
            task={
                "head": model.head.name,
                "config": model.head.get_config(),
                "sequence_length": model.sequence_length,
                "freeze_encoder": model.freeze_encoder,
                "freeze_embeddings": model.freeze_embeddings,
            },
            heads=() if published is None else (published,),
            head_variables=head_variables(model),
            provenance=model.provenance,
            card=card,
        )


def load_task(
    model_class,
    preset: "str | os.PathLike | presets.Preset",
    head: str | TaskHead | None,
    *,
    sequence_length: int | None = None,
    freeze_encoder: bool | None = None,
    freeze_embeddings: bool | None = None,
    load_weights: bool = True,
    load_head: bool | None = None,
    encoder_dropout: float | None = None,
    dtype=None,
    tokenizer_engine: str = "auto",
    special_in_texts: bool | None = None,
    **head_options,
):
    """Makes a `TaskModel` from a preset; see `TaskModel.from_preset`."""
    if head is None and head_options:
        raise InputError(
            "Options of a head need its name, `head`. Received: "
            f"{', '.join(sorted(head_options))} without a head, which would "
            "be the one saved. Name the head too, to train a new one."
        )
    if not isinstance(preset, presets.Preset):
        preset = presets.Preset(preset)
    load_weights = flag("load_weights", load_weights)
    if load_head is not None:
        load_head = flag("load_head", load_head)
    task = {}
    if head is None:
        head, task = _head_there(preset)
        load_head = load_weights
    elif isinstance(head, str):
        kind = heads.get(head)
        weights = None
        if load_weights and not (
            head_options or load_head is False or preset.task.get("head")
        ):
            weights = preset.head(head)
        if weights is not None:
            head, load_head = kind.from_weights(weights), True
        elif load_head and not head_options:
            _report_no_head(preset, kind, True)
        else:
            head = checked_call(kind, f"The head {head!r}", head_options)
    elif not isinstance(head, TaskHead):
        raise InputError(
            "`head` must be the name of a registered head, or a `TaskHead`. "
            f"Received: {head!r:.80}. Registered: {', '.join(heads.names())}."
        )
    tokenizer = preset.tokenizer(tokenizer_engine)
    if special_in_texts is not None:
        tokenizer = tokenizer.with_special_in_texts(
            flag("special_in_texts", special_in_texts)
        )
    model = model_class(
        preset.encoder(
            load_weights=load_weights,
            dtype=dtype,
            **preset.dropout_of_all(encoder_dropout),
        ),
        head,
        tokenizer,
        sequence_length=sequence_length or task.get("sequence_length"),
        **_frozen(
            task,
            freeze_encoder=freeze_encoder,
            freeze_embeddings=freeze_embeddings,
        ),
    )
    model.provenance = preset.provenance
    if load_head is None:
        load_head = load_weights and head.reuses_weights
        required = False
    else:
        required = load_head
    if load_head and not _fill_head(model, preset):
        _report_no_head(preset, head, required)
    return model


def head_variables(model) -> dict:
    """Returns the variables that are the head's own, by path.

    Raises:
        InputError: if two have one path.
    """
    encoder = {id(variable) for variable in model.encoder.variables}
    found: dict = {}
    for variable in model.variables:
        if id(variable) in encoder or "seed_generator" in variable.path:
            continue
        if variable.path in found:
            raise InputError(
                "Each variable of a head must have a path of its own. "
                f"Received two of {variable.path}. Give their layers "
                "different names."
            )
        found[variable.path] = variable
    return found


def _head_there(preset: presets.Preset) -> tuple[TaskHead, dict]:
    """Returns the head that a preset holds, and what `task.json` says.

    Raises:
        InputError: if there is none, or none that is known.
    """
    if preset.task.get("head"):
        return _saved_head(preset), preset.task
    stated = preset.contents.architecture
    kinds = [head.kind for head in preset.contents.heads]
    if stated or (kinds and kinds[0] not in heads.names()):
        raise InputError(
            f"The head of {preset.name} must be a registered one, and in the "
            f"file. Received: {stated or kinds[0]}. Registered: "
            f"{', '.join(heads.names())}. Name one with `head`: its weights "
            "are read if they are there, or it is trained anew."
        )
    if not kinds:
        raise InputError(
            "A head is needed where none is saved. Received: head=None and "
            f"{preset.name}, which holds an encoder alone. Name one of: "
            f"{', '.join(heads.names())}."
        )
    return heads.get(kinds[0]).from_weights(preset.head(kinds[0])), {}


def _saved_head(preset: presets.Preset) -> TaskHead:
    task = preset.task
    try:
        return heads.get(task["head"]).from_config(task["config"])
    # Whatever a constructor makes of arguments that it never gave.
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        if isinstance(error, InputError):
            raise InputError(f"{preset.name}: task.json: {error}") from error
        raise InputError(
            f"{preset.name}: task.json must hold the arguments of the head "
            f"{task['head']!r}. Received what it cannot be made of: {error}. "
            "Save the model again."
        ) from error


def _fill_head(model, preset: presets.Preset) -> bool:
    """Loads a head's weights from a preset; returns whether it has any."""
    own = preset.contents.own
    if own.shapes and preset.task.get("head") == model.head.name:
        _assign(model, preset)
        return True
    weights = preset.head(model.head.name)
    if weights is None:
        return False
    try:
        model.head.set_weights(model, weights)
    except (ValueError, KeyError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{preset.name} must hold the weights of this head. Received "
            f"others: {error}. Give the options and labels that it was "
            "trained with."
        ) from error
    return True


def _assign(model, preset: presets.Preset) -> None:
    """Fills the head's variables by their paths."""
    own, origin = preset.contents.own, preset.contents.origin
    variables = head_variables(model)
    odd = sorted(set(own.shapes) ^ set(variables))
    if odd:
        where = "the file lacks" if odd[0] in variables else "no rule knows"
        raise InputError(
            f"{origin} must hold the head's variables. Received another "
            f"head: {where} {odd[0]!r}. Save the model again."
        )
    for path, variable in variables.items():
        if tuple(own.shapes[path]) != tuple(variable.shape):
            raise InputError(
                f"{origin}: {path!r} must have the shape "
                f"{tuple(variable.shape)}. Received: "
                f"{tuple(own.shapes[path])}. The file belongs to another head."
            )
    for path, variable in variables.items():
        variable.assign(read_array(own, path, origin))


def _report_no_head(
    preset: presets.Preset, head: TaskHead | type[TaskHead], required: bool
) -> None:
    if required:
        raise InputError(
            f"{preset.name} must hold weights of the head {head.name!r}. "
            "Received: "
            f"{', '.join(one.kind for one in preset.contents.heads) or 'none'}"
            ". Leave load_head out to train it anew."
        )
    # A head that learns labels is going to be trained anyway.
    logging.log(
        logging.INFO if head.label_fields else logging.WARNING,
        "%s brings no weights for the head %s, which starts from random ones.",
        preset.name,
        head.name,
    )


def _frozen(task: dict, **given: bool | None) -> dict[str, bool]:
    """Returns what is frozen: as given, else as saved with the head."""
    return {
        name: task.get(name, False) if value is None else value
        for name, value in given.items()
    }


def serialize(model) -> dict:
    """Returns the arguments of a `TaskModel` as plain values."""
    return {
        "encoder": keras.saving.serialize_keras_object(model.encoder),
        "head": {"name": model.head.name, "config": model.head.get_config()},
        "tokenizer": {
            "name": model.tokenizer.name,
            "config": model.tokenizer.get_config(),
        },
        "sequence_length": model.sequence_length,
        "freeze_encoder": model.freeze_encoder,
        "freeze_embeddings": model.freeze_embeddings,
        "name": model.name,
    }


def deserialize(config: Mapping[str, Any]) -> dict:
    """Returns the parts of a `TaskModel` from what `serialize` gave."""
    parts = dict(config)
    for part, known in (("head", heads), ("tokenizer", tokenizers)):
        saved = config[part]
        parts[part] = known.get(saved["name"]).from_config(saved["config"])
    parts["encoder"] = keras.saving.deserialize_keras_object(config["encoder"])
    return parts


def _layers_of(model) -> list[keras.layers.Layer]:
    """Returns a model and all layers inside of it, the outer ones first."""
    found = [model]
    for layer in found:
        for value in vars(layer).values():
            inside = value if isinstance(value, list | tuple) else [value]
            found += [
                one
                for one in inside
                if isinstance(one, keras.layers.Layer)
                and not any(one is other for other in found)
            ]
    return found
