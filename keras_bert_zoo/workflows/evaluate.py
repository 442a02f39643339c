"""Evaluation of a trained model on labelled examples."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from keras_bert_zoo.arguments import Column
from keras_bert_zoo.arguments import Model
from keras_bert_zoo.arguments import Positive
from keras_bert_zoo.arguments import Rows
from keras_bert_zoo.workflows import options as workflow_options


@dataclasses.dataclass(frozen=True)
class EvaluateResult:
    """What an evaluation measured.

    Attributes:
        metrics: name -> number, or a dict of them for a group, such as the
            scores of each type of span.
        repeated: names of metrics that the head's score has under another
            name, with the same value.
        num_examples: int.
        label_counts: label -> number of examples, most frequent first; empty
            where there are no labels to count.
        summary: str. Examples and labels in a line.
    """

    metrics: Mapping[str, Any]
    repeated: Sequence[str]
    num_examples: int
    label_counts: Mapping[str, int]
    summary: str


def evaluate(
    model: Model,
    *,
    data: Rows,
    batch_size: Positive = 32,
    text_column: Column | None = None,
    text_pair_column: Column | None = None,
    label_column: Column | None = None,
    data_format: str | None = None,
    progress: Any = None,
) -> EvaluateResult:
    """Measures a trained model on labelled examples.

    Args:
        model: a model with its head: its directory, in any format that
            `train --preset` takes, or hf:ORGANIZATION/NAME (in Python, also a
            `TaskModel`).
        data: labelled examples (in Python, also rows, a list of mappings or
            a pair of texts and labels).
        batch_size: examples in a batch.

    Args, columns:
        text_column, text_pair_column, label_column, data_format: as in
            `finetune`.

    Args, Python alone:
        progress: `Progress` or `None`. Hears how far the evaluation is.

    Returns:
        `EvaluateResult`.

    Raises:
        InputError: if there is no trained model, or an example breaks a rule.
    """
    options = workflow_options.checked(evaluate, locals())
    if isinstance(options["data"], str):
        os.stat(options["data"])  # before a model is loaded

    from keras_bert_zoo.workflows.examples import checked_rows
    from keras_bert_zoo.workflows.examples import read_examples
    from keras_bert_zoo.workflows.examples import summary
    from keras_bert_zoo.workflows.progress import Progress
    from keras_bert_zoo.workflows.trained_model import columns_of
    from keras_bert_zoo.workflows.trained_model import load_model

    progress = progress or Progress()
    model = load_model(options["model"], progress)
    rows = read_examples(
        options["data"], model.head, columns_of(options["model"], options)
    )
    rows, report = checked_rows(rows, model.head, progress, "examples")
    progress.on_work("evaluating", 0, report.num_examples)
    metrics = model.measure(
        rows,
        options["batch_size"],
        lambda done: progress.on_work("evaluating", done, report.num_examples),
    )
    repeated = [
        name
        for name, path in model.head.scored_metrics.items()
        if name in metrics and _are_one(metrics[name], metrics, path)
    ]
    return EvaluateResult(
        metrics,
        repeated,
        report.num_examples,
        report.label_counts,
        summary(report),
    )


def _are_one(value: float, metrics: Mapping[str, Any], path: str) -> bool:
    """Returns whether the metric of a path, `group.name`, is there, too."""
    found: Any = metrics
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    # One of them is a float32.
    return isinstance(found, float) and math.isclose(
        value, found, rel_tol=1e-5, abs_tol=1e-6
    )
