"""The trained model that a workflow is given."""

import os
import pathlib
from collections.abc import Mapping
from typing import Any

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task.model import TaskModel
from keras_bert_zoo.workflows.progress import Progress
from keras_bert_zoo.workflows.run_file import RUN_FILE
from keras_bert_zoo.workflows.run_file import read_run_file


def load_model(model: Any, progress: Progress) -> TaskModel:
    """Returns a `TaskModel`, loaded if it is a name or a path.

    Args:
        model: one, or its name or path.
        progress: hears that it is loaded.

    Raises:
        InputError: if there is no trained model.
    """
    if isinstance(model, str | os.PathLike):
        progress.on_work("loading the model")
        return TaskModel.from_preset(model)
    if not isinstance(model, TaskModel):
        raise InputError(
            "`model` must be a `TaskModel`, or the path or name of one. "
            f"Received: {model!r:.80}. Make one with `TaskModel.from_preset`."
        )
    return model


def columns_of(model: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the options, with a file's columns named as in training.

    Args:
        model: of the workflow: a `TaskModel`, or its name or path.
        options: of the workflow, `data` among them. A column that they name
            stays.
    """
    names = ("text_column", "text_pair_column", "label_column")
    found = {}
    is_file = isinstance(options["data"], str)
    if is_file and isinstance(model, str | os.PathLike):
        path = pathlib.Path(model) / RUN_FILE
        if path.is_file():
            found = read_run_file(path)
    return {
        **options,
        **{
            name: found[name]
            for name in names
            if name in options and options[name] is None and name in found
        },
    }
