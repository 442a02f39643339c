"""The trained model that a workflow is given."""

import os
from typing import Any

from keras_bert_zoo.task.model import TaskModel


def load_model(model: Any) -> TaskModel:
    """Returns a `TaskModel`, loaded if it is a name or a path.

    Raises:
        InputError: if there is no trained model.
    """
    if not isinstance(model, str | os.PathLike):
        return model
    return TaskModel.from_preset(model)
