"""Loads what `bert-zoo train` wrote."""

import pathlib

from keras_bert_zoo.errors import InputError


def load_model(directory: str):
    """Returns the `TaskModel` in a directory.

    Raises:
        InputError: if there is no trained model.
    """
    from keras_bert_zoo.task.files import TASK_FILE
    from keras_bert_zoo.task.model import TaskModel

    if not (pathlib.Path(directory) / TASK_FILE).is_file():
        raise InputError(
            "MODEL_DIR must hold a trained model. Received: "
            f"{directory}, which has no {TASK_FILE}. Make one with "
            "`bert-zoo train`."
        )
    return TaskModel.from_preset(directory)
