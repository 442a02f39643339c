"""The history and the page that a training run leaves with its model."""

import pathlib
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

import keras
from absl import logging

from keras_bert_zoo import reporting
from keras_bert_zoo.data import ExampleReport
from keras_bert_zoo.reporting.environment import environment
from keras_bert_zoo.reporting.report import learning_rates
from keras_bert_zoo.task.inference import truncation
from keras_bert_zoo.task.model import TaskModel
from keras_bert_zoo.task.report_tables import Table
from keras_bert_zoo.training.callbacks.history_file import HistoryFile
from keras_bert_zoo.training.callbacks.loss_guard import LossGuard
from keras_bert_zoo.training.callbacks.scalar_writer import ScalarWriter
from keras_bert_zoo.training.callbacks.throughput import Throughput
from keras_bert_zoo.training.resume.backup import Backup
from keras_bert_zoo.workflows.progress import Progress

HISTORY = "history.csv"
REPORT = "report.html"


class RunReport:
    """Callbacks that record a run, and the files written from the records.

    Until the model is saved the history is beside its directory, as
    `NAME.history.csv`, so that a run that fails leaves it, too.

    Args:
        options: of the run, by name.
        backup: of the run, or of its first phase.
        progress: hears how far the run is.

    Attributes:
        callbacks: Keras callbacks, to come after those that add metrics.
    """

    def __init__(
        self, options: Mapping[str, Any], backup: Backup, progress: Progress
    ):
        self._options = options
        self._progress = progress
        self._folder = pathlib.Path(options["out"])
        self._path = self._folder.with_name(f"{self._folder.name}.{HISTORY}")
        self._history = HistoryFile(self._path)
        progress.throughput = Throughput()
        self.begin_phase(backup)
        self.callbacks: list[keras.callbacks.Callback] = [
            LossGuard(lambda: progress.backup.last),
            progress.throughput,
            self._history,
            progress,
        ]
        if options["tensorboard"]:
            self.callbacks.append(ScalarWriter(options["tensorboard"]))

    def begin_phase(self, backup: Backup) -> None:
        """Takes note of the backup of what is trained next."""
        self._progress.backup = backup

    @property
    def history(self) -> list[dict[str, float]]:
        """Metrics of each epoch so far."""
        return self._history.rows

    def finish(
        self,
        model: TaskModel,
        example_reports: Mapping[str, ExampleReport],
        kept: str,
        tables: Callable[[], list[Table]] | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> str | None:
        """Writes history and report into the directory of the saved model.

        The run has its model: whatever fails here is logged and raises no
        error, unless the run is to end.

        Args:
            model: trained.
            example_reports: on the examples, by name.
            kept: which epoch's weights these are.
            tables: function that makes the tables on the validation examples;
                `None` where there are none.
            facts: further facts on the run, by name.

        Returns:
            The report's path; `None` if there is none.
        """
        try:
            return self._write(
                model, example_reports, kept, tables, facts or {}
            )
        except Exception as error:
            # A library may have made an error of its own of a Ctrl-C.
            self._progress.check()
            logging.warning(
                "The model is saved, but not its report: %s: %s",
                type(error).__name__,
                error,
            )
            return None

    def _write(self, model, example_reports, kept, tables, facts):
        history = self.history
        if history:
            self._history.write(self._folder / HISTORY)
        self._path.unlink(missing_ok=True)
        self._progress.on_work("writing the report")
        answers = [] if tables is None else tables()
        seconds = round(sum(row["seconds"] for row in history))
        options = {
            name: value
            if isinstance(value, str | int | float)
            else type(value).__name__
            for name, value in self._options.items()
            if value is not None
        }
        report = reporting.Report(
            f"{self._folder.name}: {model.head.name} on "
            f"{self._options['preset']}",
            history,
            learning_rates(model.optimizer, history),
            answers,
            {
                "Epochs": {
                    "trained": str(len(history)),
                    "kept": kept,
                    "time": f"{seconds} s",
                    **facts,
                },
                "Data": _data_facts(model, example_reports),
                "Hyperparameters": options,
                "Head": model.head.get_config(),
                "Environment": environment(model),
            },
        )
        path = self._folder / REPORT
        reporting.write_report(report, path)
        return str(path)


def _data_facts(model, example_reports):
    counts = model.input_counts
    facts = {}
    for name, report in example_reports.items():
        facts[f"{name} examples"] = report.num_examples
        labels = [f"{k}: {n}" for k, n in report.label_counts.items()]
        if labels:
            facts[f"{name} labels"] = ", ".join(labels)
    return {
        **facts,
        "truncated": truncation(counts, model.head, model.sequence_length),
        "padding": f"{counts.padding_fraction:.1%} of all tokens",
    }
