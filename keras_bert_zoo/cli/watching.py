"""How `train` is watched, and what is left to read about the run."""

import argparse
import pathlib
from collections.abc import Mapping

import keras
from absl import logging

from keras_bert_zoo import reporting
from keras_bert_zoo.cli import interrupts
from keras_bert_zoo.cli.fit_progress import FitProgress
from keras_bert_zoo.cli.progress import duration
from keras_bert_zoo.data import RowReport
from keras_bert_zoo.data import Rows
from keras_bert_zoo.reporting.environment import environment
from keras_bert_zoo.reporting.learning_rates import learning_rates
from keras_bert_zoo.task.model import TaskModel
from keras_bert_zoo.task.truncation import truncation
from keras_bert_zoo.training.backup import Backup
from keras_bert_zoo.training.epoch_pace import EpochPace
from keras_bert_zoo.training.history_file import HistoryFile
from keras_bert_zoo.training.loss_guard import LossGuard
from keras_bert_zoo.training.scalar_writer import ScalarWriter

HISTORY = "history.csv"
REPORT = "report.html"


class Watching:
    """The callbacks that watch a run, and what they leave with its model.

    Until there is a model, the history stands beside the place where it will
    be, as `NAME.history.csv`, so that a run that fails leaves it too.

    Args:
        args: of `train`.
        backup: of the run.
    """

    def __init__(self, args: argparse.Namespace, backup: Backup):
        self._args = args
        self._backup = backup
        self._folder = pathlib.Path(args.out)
        self._path = self._folder.with_name(f"{self._folder.name}.{HISTORY}")
        self._history = HistoryFile(self._path)

    def callbacks(self) -> list[keras.callbacks.Callback]:
        """Returns the callbacks, which come after those that add metrics."""
        pace = EpochPace()
        guard = LossGuard(lambda: self._backup.last)
        progress = FitProgress(pace, self._backup)
        callbacks = [guard, pace, self._history, progress]
        if self._args.tensorboard:
            callbacks.append(ScalarWriter(self._args.tensorboard))
        return callbacks

    def finish(
        self,
        model: TaskModel,
        rows: Mapping[str, Rows],
        row_reports: Mapping[str, RowReport],
        chosen: str,
    ) -> pathlib.Path | None:
        """Puts history and report beside the model, which has been saved.

        The run has its model: what fails here is told, and no error. SIGTERM
        leaves it out.

        Args:
            model: trained.
            rows: by name; those of `validation`, if any, are answered.
            row_reports: on each of them.
            chosen: which epoch's weights these are; empty for the last's.

        Returns:
            The report's path; `None` if there is none.
        """
        try:
            with interrupts.raised_by_sigterm():
                return self._write(model, rows, row_reports, chosen)
        # Whatever it is, but for a Ctrl-C that a library made its own.
        except Exception as error:
            interrupts.check()
            logging.warning(
                "The model is saved, but not its report: %s: %s",
                type(error).__name__,
                error,
            )
            return None

    def _write(self, model, rows, row_reports, chosen):
        history = self._history.rows
        if history:
            self._history.write(self._folder / HISTORY)
        self._path.unlink(missing_ok=True)
        answers = []
        if "validation" in rows:
            answers = model.report_tables(rows["validation"])
        seconds = sum(row["seconds"] for row in history)
        flags = {
            name: value
            for name, value in vars(self._args).items()
            if value is not None and name != "verb"
        }
        report = reporting.Report(
            f"{self._folder.name}: {model.head.name} on {self._args.preset}",
            history,
            learning_rates(model.optimizer, history),
            answers,
            {
                "Epochs": {
                    "trained": str(len(history)),
                    "kept": chosen or "the last",
                    "time": duration(seconds),
                },
                "Data": _data_facts(model, row_reports),
                "Hyperparameters": flags,
                "Head": model.head.get_config(),
                "Environment": environment(model),
            },
        )
        path = self._folder / REPORT
        reporting.write_report(report, path)
        return path


def _data_facts(model, row_reports):
    counts = model.input_counts
    facts = {}
    for name, report in row_reports.items():
        facts[f"{name} rows"] = report.num_rows
        labels = [f"{k}: {n}" for k, n in report.label_counts.items()]
        if labels:
            facts[f"{name} labels"] = ", ".join(labels)
    return {
        **facts,
        "truncated": truncation(counts, model.head, model.sequence_length),
        "padding": f"{counts.padding_share:.1%} of all tokens",
    }
