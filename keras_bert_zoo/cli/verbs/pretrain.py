"""Trains an encoder on documents alone."""

import argparse

from keras_bert_zoo import registry
from keras_bert_zoo.cli import interrupts
from keras_bert_zoo.cli import parsing
from keras_bert_zoo.workflows.pretrain import pretrain

WORKFLOW = pretrain
PLUGINS = {"objective": registry.objectives}


def run(args: argparse.Namespace) -> int:
    from keras_bert_zoo.cli.progress import FitProgress
    from keras_bert_zoo.cli.progress import metrics_line

    # `fit` handles SIGTERM itself, and writes a backup.
    with (
        FitProgress("part") as progress,
        interrupts.ended_by_sigterm(
            "bert-zoo: Stopped outside of training; run it again.",
            may_skip=lambda: progress.is_saved,
        ),
    ):
        result = pretrain(**parsing.given(args), progress=progress)
    lines = [("padding", f"{result.padding_fraction:.1%} of all tokens")]
    if result.metrics:
        lines.append(("held out", metrics_line(result.metrics)))
    if result.baselines:
        lines.append(("baseline", metrics_line(result.baselines)))
    lines.append(("saved", result.directory or "by the first worker"))
    if result.report is not None:
        lines.append(("report", result.report))
    for topic, text in lines:
        print(f"{topic:12}{text}")
    return 0
