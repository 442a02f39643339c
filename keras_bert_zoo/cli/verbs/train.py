"""Trains a task head and its encoder on labelled texts."""

import argparse

from keras_bert_zoo import registry
from keras_bert_zoo.cli import interrupts
from keras_bert_zoo.cli import parsing
from keras_bert_zoo.workflows.finetune import finetune

WORKFLOW = finetune
PLUGINS = {"head": registry.heads}


def run(args: argparse.Namespace) -> int:
    from keras_bert_zoo.cli.progress import FitProgress
    from keras_bert_zoo.cli.progress import metrics_line

    options = parsing.given(args)
    # `fit` handles SIGTERM itself, and writes a backup.
    with (
        FitProgress() as progress,
        interrupts.ended_by_sigterm(
            "bert-zoo: Stopped outside of training; run it again.",
            may_skip=lambda: progress.is_saved,
        ),
    ):
        result = finetune(**options, progress=progress)
    lines = [
        ("truncated", result.truncation),
        ("padding", f"{result.padding_fraction:.1%} of all tokens"),
    ]
    if result.best_epoch is not None:
        metrics = {f"val_{k}": value for k, value in result.metrics.items()}
        lines.append(
            (
                "best epoch",
                f"{result.best_epoch} by {result.best_by}: "
                f"{metrics_line(metrics)}",
            )
        )
    if result.stopped_epoch is not None:
        lines.append(
            (
                "stopped",
                f"after epoch {result.stopped_epoch}: no improvement in "
                f"{options['patience']} epochs",
            )
        )
    for name, value in result.tuned.items():
        lines.append(("tuned", f"{name} {value:.4g}"))
    lines.append(("saved", result.directory or "by the first worker"))
    if result.report is not None:
        lines.append(("report", result.report))
    for warning in result.warnings:
        lines.append(("warning", warning))
    for topic, text in lines:
        print(f"{topic:12}{text}")
    return 0
