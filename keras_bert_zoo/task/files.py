"""A task model on disk: a preset directory with a trained head."""

import json
import os
import pathlib

import h5py
import keras
from absl import logging

from keras_bert_zoo import checkpoints
from keras_bert_zoo import presets
from keras_bert_zoo.arguments import checked_call
from keras_bert_zoo.checkpoints.json_file import read_json
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.files import atomic_directory
from keras_bert_zoo.files import check_hdf5_space
from keras_bert_zoo.registry import heads
from keras_bert_zoo.task import TaskHead
from keras_bert_zoo.task.arrays import read_arrays
from keras_bert_zoo.training import keras_names

TASK_FILE = "task.json"
WEIGHTS_FILE = "task.weights.h5"


def save_task(model, directory: str | os.PathLike, overwrite: bool) -> None:
    """Writes a `TaskModel` into a new directory, all or nothing.

    Beside the encoder's files stand `task.json` (head, options, labels,
    sequence length) and `task.weights.h5` (the head's variables by path).

    Raises:
        InputError: if the directory exists and `overwrite` is false, or a
            weight is not finite.
    """
    quantized = [
        layer.name
        for layer in keras_names.layers_of(model)
        if getattr(layer, "quantization_mode", None) is not None
    ]
    if quantized:
        raise InputError(
            "A saved model holds plain floats. Received: quantized layers "
            f"({', '.join(quantized[:5])}). Save it before it is quantized."
        )
    with atomic_directory(directory, overwrite) as temporary:
        task = {
            "head": model.head.name,
            "config": model.head.get_config(),
            "sequence_length": model.sequence_length,
            "freeze_encoder": model.freeze_encoder,
            "freeze_embeddings": model.freeze_embeddings,
        }
        text = json.dumps(task, indent=2, ensure_ascii=False) + "\n"
        (temporary / TASK_FILE).write_text(text, encoding="utf-8")
        variables = head_variables(model)
        presets.check_finite(variables.values())
        check_hdf5_space(temporary, [v.shape for v in variables.values()])
        with h5py.File(temporary / WEIGHTS_FILE, "w") as store:
            for path, variable in variables.items():
                store[path] = keras.ops.convert_to_numpy(variable)
        # Last, because it records the hash of every file.
        presets.write_preset(
            model.encoder,
            model.tokenizer,
            temporary,
            further=(TASK_FILE, WEIGHTS_FILE),
        )


def load_task(
    model_class,
    preset: str | os.PathLike,
    head: str | TaskHead | None,
    *,
    sequence_length: int | None,
    freeze_encoder: bool | None,
    freeze_embeddings: bool | None,
    load_weights: bool,
    dtype,
    tokenizer_engine: str,
    **head_options,
):
    """Makes a `TaskModel` from a preset; see `TaskModel.from_preset`."""
    saved = pathlib.Path(preset) / TASK_FILE
    if head is None and not saved.is_file():
        raise InputError(
            "A head is needed where none is saved. Received: head=None and "
            f"{preset}, which has no {TASK_FILE}. Name one of: "
            f"{', '.join(heads.names())}."
        )
    if head is None and head_options:
        raise InputError(
            "Options go to a head that is named. Received: "
            f"{', '.join(sorted(head_options))} without a head, which would "
            "be the one saved. Name the head too, to train a new one."
        )
    task = {}
    if head is None:
        presets.check_files(saved.parent, prefix="task.")
        task = _read_task(saved)
        head = _saved_head(task, saved)
    elif isinstance(head, str):
        kind = heads.get(head)
        head = checked_call(kind, f"The head {head!r}", head_options)
    elif not isinstance(head, TaskHead):
        raise InputError(
            "`head` must be the name of a registered head, or a `TaskHead`. "
            f"Received: {head!r:.80}. Registered: {', '.join(heads.names())}."
        )
    model = model_class(
        presets.load_encoder(preset, load_weights=load_weights, dtype=dtype),
        head,
        presets.load_tokenizer(preset, engine=tokenizer_engine),
        sequence_length=sequence_length or task.get("sequence_length"),
        **_frozen(
            task,
            freeze_encoder=freeze_encoder,
            freeze_embeddings=freeze_embeddings,
        ),
    )
    if task and load_weights:
        _load_head(model, saved.with_name(WEIGHTS_FILE))
    elif load_weights and model.head.reuses_weights:
        _reuse_weights(model, preset)
    return model


def task_from_checkpoint(
    model_class,
    checkpoint: checkpoints.Checkpoint,
    head: TaskHead | None = None,
    **options,
):
    """Makes a `TaskModel` from a published checkpoint with its head.

    Args:
        model_class: `TaskModel`.
        checkpoint: what `load_checkpoint` returned.
        head: `TaskHead` to put the weights into, or `None` for the one that
            the checkpoint describes. Checkpoints of google-research/bert do
            not tell taggers from classifiers, nor the labels' names: there,
            give a tagger's head.
        **options: arguments of `TaskModel`, such as `sequence_length`.

    Raises:
        InputError: if the checkpoint has no head or no vocabulary.
    """
    weights = checkpoint.head
    if weights is None or checkpoint.tokenizer is None:
        missing = "head" if weights is None else "vocabulary"
        raise InputError(
            "The checkpoint must hold an encoder, a head and a vocabulary. "
            f"Received: {checkpoint.report.origin}, which has no {missing}. "
            "Convert it to a preset, and train a head on it."
        )
    if head is None:
        head = heads.get(weights.kind).from_weights(weights)
    model = model_class(
        checkpoint.encoder, head, checkpoint.tokenizer, **options
    )
    head.set_weights(model, weights)
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


def _reuse_weights(model, preset: str | os.PathLike) -> None:
    """Fills a new head with the weights that a preset brings for it."""
    name = model.head.name
    saved = pathlib.Path(preset) / TASK_FILE
    if not presets.is_preset_directory(preset):
        weights = presets.load_head(preset, name)
        if weights is not None:
            model.head.set_weights(model, weights)
            return
    elif saved.is_file() and _read_task(saved)["head"] == name:
        presets.check_files(saved.parent, prefix="task.")
        _load_head(model, saved.with_name(WEIGHTS_FILE))
        return
    # A head that learns labels is going to be trained anyway.
    logging.log(
        logging.INFO if model.head.label_fields else logging.WARNING,
        "%s brings no weights for the head %s, which starts from random ones.",
        preset,
        name,
    )


def _frozen(task: dict, **given: bool | None) -> dict[str, bool]:
    """Returns what is frozen: as given, else as saved with the head."""
    return {
        name: task.get(name, False) if value is None else value
        for name, value in given.items()
    }


def _read_task(path: pathlib.Path) -> dict:
    task = read_json(path)
    length = task.get("sequence_length")
    if (
        not isinstance(task.get("head"), str)
        or not isinstance(task.get("config"), dict)
        or type(length) not in (int, type(None))
        or type(task.get("freeze_encoder", False)) is not bool
        or type(task.get("freeze_embeddings", False)) is not bool
    ):
        raise InputError(
            f"{path} must describe a head: its name, its config, the "
            "sequence_length, and whether freeze_encoder and "
            "freeze_embeddings are true. Received another form. Save the "
            "model again."
        )
    return task


def _saved_head(task: dict, path: pathlib.Path) -> TaskHead:
    try:
        return heads.get(task["head"]).from_config(task["config"])
    # Whatever a constructor makes of arguments that it never gave.
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        if isinstance(error, InputError):
            raise InputError(f"{path}: {error}") from error
        raise InputError(
            f"{path} must hold the arguments of the head {task['head']!r}. "
            f"Received what it cannot be made of: {error}. Save the model "
            "again."
        ) from error


def _load_head(model, path: pathlib.Path) -> None:
    variables = head_variables(model)
    shapes = {name: tuple(v.shape) for name, v in variables.items()}
    for name, value in read_arrays(path, shapes).items():
        variables[name].assign(value)
