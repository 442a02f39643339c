"""The trained model that a workflow is given."""

import os
from typing import Any

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task.model import TaskModel
from keras_bert_zoo.workflows.progress import Progress


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
