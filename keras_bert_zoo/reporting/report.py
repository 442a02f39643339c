"""The report on a training run: its parts, and the file."""

import dataclasses
import os
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras

from keras_bert_zoo.atomic_io import atomic_file
from keras_bert_zoo.reporting.line_chart import Points
from keras_bert_zoo.reporting.line_chart import line_chart
from keras_bert_zoo.reporting.markup import Markup
from keras_bert_zoo.reporting.markup import element
from keras_bert_zoo.reporting.markup import facts
from keras_bert_zoo.reporting.markup import page
from keras_bert_zoo.reporting.markup import section
from keras_bert_zoo.reporting.markup import table
from keras_bert_zoo.task.report_tables import Table
from keras_bert_zoo.training.callbacks.throughput import MEASURES
from keras_bert_zoo.training.optimizers import updates

# Points of the learning rate's curve, at most.
NUM_POINTS = 100
_VALIDATION = "val_"


@dataclasses.dataclass(frozen=True)
class Report:
    """The content of a report.

    Attributes:
        title: str.
        history: a mapping for each epoch: `epoch`, from 1, and metrics, as
            `HistoryFile.rows`.
        rates: learning rate by step.
        answers: tables on the predictions for the validation examples, as
            `TaskModel.report_tables` makes them; or none.
        facts: heading -> name -> value.
    """

    title: str
    history: Sequence[Mapping[str, float]]
    rates: Points
    answers: Sequence[Table]
    facts: Mapping[str, Mapping[str, Any]]


def write_report(report: Report, path: str | os.PathLike) -> None:
    """Writes a page that needs no other file, no network and no script."""
    text = page(
        report.title,
        section("Curves", _charts(report)),
        section("Epochs", table(_epochs(report.history))),
        section("Predictions", *_answers(report.answers)),
        section(
            "The run",
            *(facts(title, group) for title, group in report.facts.items()),
        ),
    )
    with atomic_file(path) as temporary:
        # A file's name may hold what has no UTF-8 form.
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def _charts(report: Report) -> Markup:
    names = {
        name.removeprefix(_VALIDATION): None
        for row in report.history
        for name in row
        if name not in ("epoch", *MEASURES)
    }
    # The loss first, then the metrics in their order.
    charts = [
        line_chart(
            name,
            {
                "training": _by_epoch(report.history, name),
                "validation": _by_epoch(report.history, _VALIDATION + name),
            },
            "epoch",
        )
        for name in sorted(names, key=lambda name: name != "loss")
    ]
    rates = line_chart("learning rate", {"rate": report.rates}, "step")
    return element("div", *charts, rates, class_="charts")


def _by_epoch(history, name) -> Points:
    return [(row["epoch"], row[name]) for row in history if name in row]


def _epochs(history) -> Table:
    columns = list(dict.fromkeys(name for row in history for name in row))
    rows = [[row.get(name, "") for name in columns] for row in history]
    # With spaces they may wrap.
    heads = [name.replace("_", " ") for name in columns]
    return Table("All epochs", heads, rows)


def _answers(tables: Sequence[Table]) -> list[Markup]:
    if not tables:
        text = "No validation examples, or the head has no score."
        return [element("p", text)]
    return [table(one) for one in tables]


def learning_rates(
    optimizer: keras.optimizers.Optimizer,
    history: Sequence[Mapping[str, float]],
) -> Points:
    """Returns the learning rate by step, from 1.

    Args:
        optimizer: at the end of the run. The schedule of one of ours is
            evaluated; else there is a point for the end of each epoch.
        history: as `HistoryFile.rows`.
    """
    num_steps = updates.num_updates(optimizer)
    schedule = getattr(updates.innermost(optimizer), "schedule", None)
    if schedule is None:
        per_epoch = num_steps / max(len(history), 1)
        return [
            (row["epoch"] * per_epoch, row["learning_rate"]) for row in history
        ]
    stride = max(num_steps // NUM_POINTS, 1)
    steps = [*range(0, num_steps - 1, stride), num_steps - 1]
    return [(step + 1, float(schedule(step))) for step in steps]
