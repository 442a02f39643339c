"""The run of `finetune`: data, model, training, saving."""

import contextlib
import functools
import math
import pathlib
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

import keras
import tensorflow as tf
from absl import logging

from keras_bert_zoo import data
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.presets import CardFacts
from keras_bert_zoo.task import TaskHead
from keras_bert_zoo.task.epoch_score import EpochScore
from keras_bert_zoo.task.inference import truncation
from keras_bert_zoo.task.model import TaskModel
from keras_bert_zoo.testing import check_tpu_ready
from keras_bert_zoo.training import keras_private
from keras_bert_zoo.training import precision as precisions
from keras_bert_zoo.training.distribution import is_chief
from keras_bert_zoo.training.optimizers.recipe import OptimizerRecipe
from keras_bert_zoo.training.optimizers.recipe import default_rate
from keras_bert_zoo.training.resume import run_settings
from keras_bert_zoo.training.resume.backup import Backup
from keras_bert_zoo.workflows.examples import CountedExamples
from keras_bert_zoo.workflows.examples import FirstExamples
from keras_bert_zoo.workflows.examples import checked_rows
from keras_bert_zoo.workflows.examples import summary
from keras_bert_zoo.workflows.examples import training_examples
from keras_bert_zoo.workflows.finetune import FinetuneResult
from keras_bert_zoo.workflows.finetune import finetune
from keras_bert_zoo.workflows.options import options_of
from keras_bert_zoo.workflows.options import plugin_options
from keras_bert_zoo.workflows.progress import Progress
from keras_bert_zoo.workflows.run_file import RUN_FILE
from keras_bert_zoo.workflows.run_file import write_run_file
from keras_bert_zoo.workflows.run_report import RunReport
from keras_bert_zoo.workflows.training_setup import check_room
from keras_bert_zoo.workflows.training_setup import hyperparameters
from keras_bert_zoo.workflows.training_setup import precision_choice
from keras_bert_zoo.workflows.training_setup import strategy_scope

FEWEST_EPOCHS = 3
# Validation examples that are measured to find out which measures there are.
NUM_PROBED = 32

# Where a worker reads and writes; machines may differ in that.
_OF_EACH_WORKER = frozenset(
    (
        "backup_dir",
        "out",
        "overwrite",
        "preset",
        "tensorboard",
        "train",
        "validation",
    )
)


class Examples(NamedTuple):
    """The rows of a run, and what was found in them, each by name.

    `train` always is one of the names, `validation` may be.
    """

    rows: dict[str, data.Examples]
    reports: dict[str, data.ExampleReport]


def run(
    options: dict[str, Any],
    head: Any,
    head_options: dict[str, Any],
    configuration: dict[str, Any],
    progress: Progress,
) -> FinetuneResult:
    """Trains and saves a model, all options being checked.

    Args:
        options: of `finetune`, by name, with defaults and plain paths.
        head: `TaskHead`, or the class of the head that is named.
        head_options: of this class.
        configuration: options of both as they were given, to be repeated.
        progress: hears how far the run is.

    Returns, Raises: as `finetune`.
    """
    is_named = isinstance(options["head"], str)
    if not is_named and not isinstance(head, TaskHead):
        raise InputError(
            "`head` must be the name of a head, or a `TaskHead`. Received: "
            f"{head!r:.80}. `bert-zoo list` shows the names."
        )
    recipe = OptimizerRecipe(**OptimizerRecipe.among(options))
    # Before everything else of TensorFlow.
    scope = strategy_scope(options["strategy"], progress)
    if is_named:
        rows = training_examples(head, options)["train"]
        counted = CountedExamples(rows, progress, "train")
        head = head.from_examples(counted, **head_options)
    examples = _examples(options, head, progress)
    if options["epochs"] is None:
        options["epochs"] = default_epochs(
            head, examples.reports["train"].num_examples, options["batch_size"]
        )
    progress.check()
    model = _model(options, head, head_options, recipe, scope, progress)
    rate, rate_reason = options["learning_rate"], ""
    if rate is None:
        rate, rate_reason = default_rate(
            options["optimizer"],
            model.encoder,
            model.trainable_variables,
            head.highest_rate,
        )
        progress.on_note("rate", f"{rate:g}: {rate_reason}")
    if options["check_tpu"]:
        check_tpu_ready(model, options["batch_size"])
        progress.on_note("tpu", "XLA compiles the training step")

    validation = examples.rows.get("validation")
    progress.on_work("preparing")
    callbacks, best = [], None
    scorer = EpochScore(
        () if validation is None else validation, name=options["best_by"]
    )
    if validation is not None:
        best = _early_stopping(options, model, validation)
        callbacks = [scorer, best]
    backup = Backup(
        options["backup_dir"],
        options["backup_seconds"],
        {"preset": options["preset"]},
    )
    shown = {**options, "learning_rate": rate, **head_options}
    run_report = RunReport(shown, backup, progress)
    history = model.fit(
        examples.rows["train"],
        batch_size=options["batch_size"],
        epochs=options["epochs"],
        validation_data=validation,
        seed=options["seed"],
        tokens_per_batch=options["tokens_per_batch"],
        packed_length=options["packed_length"],
        backup=backup,
        callbacks=[*callbacks, *run_report.callbacks],
        verbose=0,
    ).history

    tuned, metrics, warnings = {}, {}, []
    answers = None
    if best is not None:
        # The weights are those of the best epoch again.
        if scorer.best_epoch == best.best_epoch:
            answers = scorer.best_answers
        progress.on_work("answering validation")
        before = head.get_config()
        tuned = model.tune(validation, answers=answers)
        if head.get_config() != before:
            answers = None
        metrics = _metrics_of(history, best.best_epoch)
    directory = page = None
    if is_chief(model.distribute_strategy):
        directory = options["out"]
        progress.on_work("saving")
        model.save_to_preset(
            directory,
            overwrite=options["overwrite"],
            card=CardFacts(
                data={
                    f"{name} examples": report.num_examples
                    for name, report in examples.reports.items()
                },
                metrics=metrics,
                hyperparameters=hyperparameters(options, rate),
            ),
        )
        configuration |= {
            "epochs": options["epochs"],
            "learning_rate": rate,
            "precision": model.dtype_policy.name,
        }
        flags = [*options_of(finetune), *plugin_options(head, "")]
        path = pathlib.Path(directory) / RUN_FILE
        write_run_file(configuration, flags, path)
        progress.on_save()
        kept = "the last"
        if best is not None:
            kept = f"{best.best_epoch + 1} by {best.monitor}"
        tables = None
        if validation is not None:
            tables = functools.partial(
                model.report_tables, validation, answers=answers
            )
        page = run_report.finish(model, examples.reports, kept, tables)
        backup.remove()
    if best is not None:
        guess = head.guess(validation, metrics)
    else:
        measured = {name: values[-1] for name, values in history.items()}
        guess = head.guess(examples.rows["train"], measured)
    if guess is not None:
        where = "" if best is not None else ", on the training examples"
        warnings.append(
            f"no better than always answering {guess}{where}. Try more epochs, "
            "a higher learning rate, more examples; or check that labels and "
            "texts belong together."
        )
    counts = model.input_counts
    return FinetuneResult(
        model=model,
        directory=directory,
        report=page,
        history=run_report.history,
        best_epoch=None if best is None else best.best_epoch + 1,
        best_by=None if best is None else best.monitor,
        metrics=metrics,
        # Keras says 0 where the run was not stopped.
        stopped_epoch=best.stopped_epoch + 1
        if best is not None and best.stopped_epoch
        else None,
        tuned=tuned,
        num_examples=examples.reports["train"].num_examples,
        num_truncated=counts.num_truncated,
        truncation=truncation(counts, head, model.sequence_length),
        padding_fraction=counts.padding_fraction,
        learning_rate=rate,
        learning_rate_reason=rate_reason,
        precision=model.dtype_policy.name,
        warnings=warnings,
    )


def default_epochs(head: TaskHead, num_examples: int, batch_size: int) -> int:
    """Returns the epochs of a run that names none.

    Three epochs of few examples are too few steps to learn anything.
    """
    steps_per_epoch = math.ceil(num_examples / batch_size)
    enough = math.ceil(head.enough_steps / steps_per_epoch)
    return max(min(enough, head.most_epochs), FEWEST_EPOCHS)


def _examples(
    options: Mapping[str, Any], head: TaskHead, progress: Progress
) -> Examples:
    """Returns the rows to train and validate on, all of them checked."""
    examples = Examples({}, {})
    for name, rows in training_examples(head, options).items():
        rows, report = checked_rows(
            rows, head, progress, name, to_score=name != "train"
        )
        examples.rows[name] = rows
        examples.reports[name] = report
        progress.on_note(name, summary(report))
    for line in data.overlap_of(examples.reports):
        logging.warning("%s", line)
    return examples


def _model(
    options: Mapping[str, Any],
    head: TaskHead,
    head_options: Mapping[str, Any],
    recipe: OptimizerRecipe,
    scope: contextlib.AbstractContextManager,
    progress: Progress,
) -> TaskModel:
    """Returns the compiled model, if there is room to save it."""
    choice = precision_choice(options)
    keras.utils.set_random_seed(options["seed"])
    with scope:
        _check_workers(options, head, head_options)
        precision, reason = precisions.agreed(choice)
        progress.on_work("loading the model")
        model = TaskModel.from_preset(
            options["preset"],
            head,
            sequence_length=options["sequence_length"],
            special_in_texts=options["special_in_texts"],
            freeze_encoder=options["freeze_encoder"],
            freeze_embeddings=options["freeze_embeddings"],
            encoder_dropout=options["encoder_dropout"],
            dtype=precision,
        )
        model.compile(recipe)
    progress.check()
    check_room(model, options["out"])
    progress.on_note(
        "model",
        f"{options['preset']} with {head.name}, {model.count_params():,} "
        f"parameters, {precision}",
    )
    if reason:
        progress.on_note("precision", f"{precision}: {reason}")
    return model


def _early_stopping(
    options: Mapping[str, Any], model: TaskModel, validation: data.Examples
) -> keras.callbacks.EarlyStopping:
    """Returns the callback that finds the best epoch and restores it."""
    best_by = options["best_by"]
    if best_by is not None:
        _check_measure(model, validation, best_by)
        monitor = f"val_{best_by}"
    else:
        monitor = EpochScore.monitor(model.head) or _monitored(model.head)
    return keras.callbacks.EarlyStopping(
        monitor,
        patience=options["patience"] or options["epochs"],
        restore_best_weights=True,
    )


def _metrics_of(history: Mapping[str, list], epoch: int) -> dict[str, float]:
    """Returns the metrics on the validation examples of an epoch, from 0."""
    return {
        name.removeprefix("val_"): values[epoch]
        for name, values in history.items()
        if name.startswith("val_")
    }


def _check_workers(
    options: Mapping[str, Any], head: Any, head_options: Mapping[str, Any]
) -> None:
    """Checks that all workers were given the same options and labels.

    Before they make a model: if its shape differed, the error would only be
    that tensors do not fit. Examples are compared when training begins.
    """
    shared = {
        name: value
        for name, value in {**options, **head_options}.items()
        if name not in _OF_EACH_WORKER
        and isinstance(value, bool | int | float | str | list | None)
    }
    run_settings.check_workers(
        tf.distribute.get_strategy(),
        run_settings.as_json({**shared, "head_config": head.get_config()}),
    )


def _check_measure(model: Any, rows: Any, name: str) -> None:
    """Checks that a measure exists, before training.

    Which ones there are is known when some examples have been measured. Some
    measures need examples of a kind that the first few may lack: only then
    all of them are measured.
    """
    for some in (FirstExamples(rows, NUM_PROBED), rows):
        found = model.measure(some)
        known = [k for k, v in found.items() if isinstance(v, int | float)]
        if name in known:
            return
    raise InputError(
        "`best_by` must be a metric of these validation examples. Received: "
        f"best_by={name}. Choose one of {', '.join(known)}."
    )


def _monitored(head: Any) -> str:
    """Returns the name of the metric that chooses the best epoch."""
    # Keras knows for its own metrics, and for the loss, which way is up.
    for metric in [*head.metrics(), *head.weighted_metrics()][:1]:
        if keras_private.direction_of(metric):
            return f"val_{metric.name}"
    return "val_loss"
