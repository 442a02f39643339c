"""Export of a trained model in a format for deployment."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from keras_bert_zoo.arguments import Directory
from keras_bert_zoo.arguments import Model
from keras_bert_zoo.arguments import checked_call
from keras_bert_zoo.atomic_io import check_new_directory
from keras_bert_zoo.registry import exporters
from keras_bert_zoo.workflows import options as workflow_options


@dataclasses.dataclass(frozen=True)
class ExportResult:
    """What an export wrote.

    Attributes:
        directory: path of the artifact.
        format: str.
        manifest: files, signatures, versions, and what the comparison with
            the live model measured; as in `manifest.json`.
    """

    directory: str
    format: str
    manifest: Mapping[str, Any]


def export(
    model: Model,
    out: Directory,
    format: str = "saved_model",
    overwrite: bool = False,
    progress: Any = None,
    **format_options: Any,
) -> ExportResult:
    """Writes a deployable artifact, compared with the live model.

    Args:
        model: as in `evaluate`.
        out: directory of the artifact, written whole or not at all.
        format: `bert-zoo list` shows them; with it, --help lists the
            format's own flags.
        overwrite: whether an artifact in the directory may be replaced.

    Args, Python alone:
        progress: `Progress` or `None`. Hears how far the export is.
        **format_options: arguments of the exporter.

    Returns:
        `ExportResult`.

    Raises:
        InputError: if the format is unknown, an option breaks a rule, or
            the directory exists and `overwrite` is false.
        ExportError: if the artifact differs from the model.
    """
    options = workflow_options.checked(export, locals())
    check_new_directory(options["out"], options["overwrite"])
    exporter = checked_call(
        exporters.get(format), f"The exporter {format!r}", format_options
    )

    from keras_bert_zoo.workflows.progress import Progress
    from keras_bert_zoo.workflows.trained_model import load_model

    progress = progress or Progress()
    manifest = exporter.export(
        load_model(options["model"], progress),
        options["out"],
        options["overwrite"],
        progress.on_work,
    )
    return ExportResult(options["out"], format, manifest)
