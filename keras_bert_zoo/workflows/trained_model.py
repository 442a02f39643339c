"""The trained model that a workflow is given."""

import os
import pathlib
from typing import Any

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task.files import TASK_FILE
from keras_bert_zoo.task.model import TaskModel


def load_model(model: Any) -> TaskModel:
    """Returns a `TaskModel`, loaded if it is the path of one.

    Raises:
        InputError: if there is no trained model.
    """
    if not isinstance(model, str | os.PathLike):
        return model
    if not (pathlib.Path(model) / TASK_FILE).is_file():
        raise InputError(
            "The directory of a trained model is needed. Received: "
            f"{model}, which has no {TASK_FILE}. Make one with "
            "`bert-zoo train`."
        )
    return TaskModel.from_preset(model)
