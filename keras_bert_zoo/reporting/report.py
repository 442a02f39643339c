"""The parts of a report, and the file that they are written to."""

import dataclasses
import os
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from keras_bert_zoo.files import atomic_file
from keras_bert_zoo.reporting import tables
from keras_bert_zoo.reporting.line_chart import Points
from keras_bert_zoo.reporting.line_chart import line_chart
from keras_bert_zoo.reporting.markup import Markup
from keras_bert_zoo.reporting.markup import element
from keras_bert_zoo.reporting.page import page
from keras_bert_zoo.reporting.page import section
from keras_bert_zoo.task.report_tables import Table
from keras_bert_zoo.training.epoch_pace import MEASURES

_VALIDATION = "val_"


@dataclasses.dataclass(frozen=True)
class Report:
    """What is to be said of a run.

    Attributes:
        title: str.
        history: a mapping for each epoch: `epoch`, from 1, and metrics, as
            `HistoryFile.rows`.
        rates: learning rate by step.
        answers: tables on the answers to the validation rows, as
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
        section("Epochs", tables.table(_epochs(report.history))),
        section("Answers", *_answers(report.answers)),
        section(
            "The run",
            *(tables.facts(*group) for group in report.facts.items()),
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


def _answers(found: Sequence[Table]) -> list[Markup]:
    if not found:
        return [element("p", "No rows were held out, or there is no score.")]
    return [tables.table(one) for one in found]
