"""Exporting a task model in a named format."""

import os

from keras_bert_zoo.arguments import checked_call
from keras_bert_zoo.registry import exporters


def export(
    model,
    directory: str | os.PathLike,
    format: str = "saved_model",
    overwrite: bool = False,
    **options,
) -> dict:
    """Writes a deployable artifact that gives the model's answers.

    Args:
        model: `TaskModel`.
        directory: where the artifact goes, all or nothing.
        format: str. Name of a registered exporter: `saved_model`, `tflite`,
            or what an installed package adds.
        overwrite: bool. Whether an existing directory may be replaced.
        **options: arguments of the exporter.

    Returns:
        The manifest: files, signatures, versions and what the comparison
        with the live model measured.

    Raises:
        InputError: if the format is unknown, an option breaks a rule, or
            the directory exists and `overwrite` is false.
    """
    exporter = checked_call(
        exporters.get(format), f"The exporter {format!r}", options
    )
    return exporter.export(model, directory, overwrite)
