"""What the workflows that train have in common, before the first step."""

import contextlib
import pathlib
from collections.abc import Mapping
from typing import Any

from keras_bert_zoo.atomic_io import check_disk_space
from keras_bert_zoo.training import distribution
from keras_bert_zoo.training import precision as precisions
from keras_bert_zoo.training.resume import backup_files
from keras_bert_zoo.workflows.progress import Progress


def strategy_scope(
    name: str, progress: Progress
) -> contextlib.AbstractContextManager:
    """Returns the scope of a named strategy."""
    if name == "workers":
        progress.on_note("workers", "waiting for all in TF_CONFIG")
    return distribution.scope_of(name)


def precision_choice(options: Mapping[str, Any]) -> Any:
    """Returns the dtype policy and why, as `choose_precision` does.

    A run that resumes on another machine keeps its own.
    """
    precision = options["precision"]
    if precision == "auto":
        precision = backup_files.setting(options["backup_dir"], "precision")
    return precisions.choose_precision(precision or "auto")


def check_room(model: Any, out: str) -> None:
    """Checks that the model can be saved: better now than after hours.

    Raises:
        InputError: if the disk has no room for its weights.
    """
    folder = pathlib.Path(out).parent
    folder.mkdir(parents=True, exist_ok=True)
    check_disk_space(folder, [variable.shape for variable in model.variables])


def hyperparameters(options: Mapping[str, Any], rate: float) -> dict:
    """Returns what a model card says of how the model was trained."""
    names = ("epochs", "steps", "batch_size", "tokens_per_batch", "optimizer")
    names = (*names, "schedule", "sequence_length", "seed")
    found = {name: options.get(name) for name in names}
    found = {name: value for name, value in found.items() if value is not None}
    return {"learning_rate": f"{rate:g}", **found}
