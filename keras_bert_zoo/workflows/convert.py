"""Conversion of a model of any format that is read to a model directory."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from keras_bert_zoo.arguments import Directory
from keras_bert_zoo.atomic_io import check_new_directory
from keras_bert_zoo.workflows import options as workflow_options

_NO_HEAD = "none"


@dataclasses.dataclass(frozen=True)
class ConvertResult:
    """What a conversion read and wrote.

    Attributes:
        directory: path of the model directory.
        origin: str. Path or name of the checkpoint.
        kind: str. Name of its format.
        num_variables: int. Variables of the checkpoint that were read.
        ignored: names of its variables that were not used.
        num_parameters: int. Of the encoder.
        num_tokens: int, size of the vocabulary; `None` where there is none.
        heads: names of the heads that were kept.
        dropped_heads: names of those that the checkpoint has beside them; or
            its class, or variables, if no known head has them.
        notes: what else the user should know.
    """

    directory: str
    origin: str
    kind: str
    num_variables: int
    ignored: Sequence[str]
    num_parameters: int
    num_tokens: int | None
    heads: Sequence[str]
    dropped_heads: Sequence[str]
    notes: Sequence[str]


def convert(
    source: Directory,
    *,
    out: Directory,
    kind: str | None = None,
    head: str | None = None,
    overwrite: bool = False,
    progress: Any = None,
) -> ConvertResult:
    """Converts a model of any format that is read to a model directory.

    Args:
        source: a file, a directory, or what `train --preset` takes.
        out: directory of the model, written whole or not at all.
        kind: format of the source, where it is not recognized.
        head: name of the head to keep, where the source does not tell; `none`
            keeps the encoder alone.
        overwrite: whether a model in the directory may be replaced.

    Args, Python alone:
        progress: `Progress` or `None`. Hears how far the conversion is.

    Returns:
        `ConvertResult`.

    Raises:
        InputError: if the source is in no format that is read, or damaged,
            has no weights of `head`, or does not tell which head it has; or
            if the directory exists and `overwrite` is false.
    """
    options = workflow_options.checked(convert, locals())
    out, overwrite = options["out"], options["overwrite"]
    check_new_directory(out, overwrite)

    from keras_bert_zoo import presets
    from keras_bert_zoo import registry
    from keras_bert_zoo.task.model import TaskModel
    from keras_bert_zoo.workflows.progress import Progress

    progress = progress or Progress()
    progress.on_work("reading the source")
    preset = presets.Preset(options["source"], options["kind"])
    kinds = preset.head_kinds()
    tokenizer = preset.tokenizer_or_none()
    head = options["head"]
    if head == preset.task.get("head"):
        head = None  # It is the one that is there, with its options.
    kept = []
    if head is None and tokenizer is not None:
        kept = [one for one in kinds[:1] if one in registry.heads.names()]
    elif head not in (None, _NO_HEAD):
        kept = [head]
    if kept:
        required = None if head is None else True
        model = TaskModel.from_preset(preset, head, load_head=required)
        encoder = model.encoder
        model.save_to_preset(out, overwrite=overwrite)
    else:
        encoder = preset.encoder()
        presets.save_preset(
            encoder,
            tokenizer,
            out,
            provenance=preset.provenance,
            overwrite=overwrite,
        )
    report = preset.report
    stored = {one.kind: {one.kind, *one.also} for one in preset.contents.heads}
    dropped = [one for one in kinds if not stored.get(one, {one}) & set(kept)]
    if preset.contents.architecture and not kept:
        dropped.append(preset.contents.architecture)
    return ConvertResult(
        directory=out,
        origin=report.origin,
        kind=report.kind,
        num_variables=report.num_mapped,
        ignored=report.ignored,
        num_parameters=encoder.count_params(),
        num_tokens=None if tokenizer is None else tokenizer.vocabulary_size,
        heads=kept,
        dropped_heads=dropped,
        notes=report.notes,
    )
