"""The run of `pretrain`: model, training, saving."""

import contextlib
import math
import pathlib
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from keras_bert_zoo import data
from keras_bert_zoo import presets
from keras_bert_zoo.encoders.bert import BertEncoder
from keras_bert_zoo.presets import CardFacts
from keras_bert_zoo.pretraining import cooccurrence
from keras_bert_zoo.pretraining.filled_gaps import FilledGaps
from keras_bert_zoo.pretraining.model import PretrainingModel
from keras_bert_zoo.pretraining.model import objective_of
from keras_bert_zoo.pretraining.objective import CorpusExamples
from keras_bert_zoo.pretraining.objective import Objective
from keras_bert_zoo.pretraining.records import RecordBatches
from keras_bert_zoo.task.report_tables import Table
from keras_bert_zoo.tokenization import Tokenizer
from keras_bert_zoo.tokenization import load_tokenizer
from keras_bert_zoo.training import distribution
from keras_bert_zoo.training import precision as precisions
from keras_bert_zoo.training.distribution import is_chief
from keras_bert_zoo.training.optimizers.recipe import OptimizerRecipe
from keras_bert_zoo.training.optimizers.recipe import default_rate
from keras_bert_zoo.training.resume import backup_files
from keras_bert_zoo.training.resume import run_settings
from keras_bert_zoo.training.resume.backup import Backup
from keras_bert_zoo.workflows.options import options_of
from keras_bert_zoo.workflows.options import plugin_options
from keras_bert_zoo.workflows.pretrain import SIZES
from keras_bert_zoo.workflows.pretrain import PretrainResult
from keras_bert_zoo.workflows.pretrain import pretrain
from keras_bert_zoo.workflows.pretrain_source import Phase
from keras_bert_zoo.workflows.pretrain_source import Source
from keras_bert_zoo.workflows.pretrain_source import read_source
from keras_bert_zoo.workflows.progress import Progress
from keras_bert_zoo.workflows.run_file import RUN_FILE
from keras_bert_zoo.workflows.run_file import write_run_file
from keras_bert_zoo.workflows.run_report import RunReport
from keras_bert_zoo.workflows.training_setup import check_room
from keras_bert_zoo.workflows.training_setup import hyperparameters
from keras_bert_zoo.workflows.training_setup import precision_choice
from keras_bert_zoo.workflows.training_setup import strategy_scope

# A run is measured, and heard of, after each of so many equal parts.
NUM_PARTS = 20

# Where a worker reads and writes; machines may differ in that.
_OF_EACH_WORKER = frozenset(
    (
        "architecture",
        "backup_dir",
        "corpus",
        "examples",
        "long_examples",
        "out",
        "overwrite",
        "preset",
        "tensorboard",
        "validation",
        "vocabulary",
    )
)


def run(
    options: dict[str, Any],
    objective_options: dict[str, Any],
    configuration: dict[str, Any],
    progress: Progress,
) -> PretrainResult:
    """Trains and saves a model, all options being checked.

    Args:
        options: of `pretrain`, by name, with defaults and plain paths.
        objective_options: of the objective that is named.
        configuration: options of both as they were given, to be repeated.
        progress: hears how far the run is.

    Returns, Raises: as `pretrain`.
    """
    objective = objective_of(options["objective"], **objective_options)
    recipe = OptimizerRecipe(**OptimizerRecipe.among(options))
    # Before everything else of TensorFlow.
    scope = strategy_scope(options["strategy"], progress)
    preset = None
    if options["preset"] is not None:
        preset = presets.Preset(options["preset"])
    if options["vocabulary"] is not None:
        tokenizer = load_tokenizer(options["vocabulary"])
    else:
        tokenizer = preset.tokenizer()
    source = read_source(options, objective, tokenizer, progress)
    progress.check()
    model = _model(
        options, objective, tokenizer, preset, recipe, scope, progress
    )
    rate, rate_reason = options["learning_rate"], ""
    if rate is None:
        rate, rate_reason = default_rate(
            options["optimizer"], model.encoder, highest=objective.highest_rate
        )
        progress.on_note("rate", f"{rate:g}: {rate_reason}")
    lengths = _lengths(options, source)
    objective.start_from(model, source.token_counts)
    if options["initial_embeddings"] == "cooccurrence":
        _start_embeddings(model, source, options["seed"], progress)
    held_out = source.phases[-1].held_out
    baselines = {}
    if held_out is not None:
        baselines = objective.baselines(source.token_counts, held_out)
        progress.on_note(
            "baseline",
            "  ".join(f"{k} {value:.4f}" for k, value in baselines.items())
            + "  without an encoder",
        )
    num_parts = sum(length.num_parts for length in lengths)
    backups = [
        Backup(
            directory,
            options["backup_seconds"],
            {"preset": options["preset"], "vocabulary": options["vocabulary"]},
        )
        for directory in _backup_directories(options)
    ]
    shown = {**options, "learning_rate": rate, "preset": _origin(options)}
    run_report = RunReport(shown, backups[0], progress)
    progress.on_work("preparing")
    gaps = []
    if held_out is not None and FilledGaps.can_ask(model):
        gaps = [FilledGaps(held_out.corpus, num_parts, options["seed"])]
    history = _train(
        model,
        source.phases,
        lengths,
        backups,
        options,
        [*gaps, *run_report.callbacks],
        run_report,
    )
    metrics = {
        name.removeprefix("val_"): values[-1]
        for name, values in history.items()
        if name.startswith("val_")
    }
    _warn_of_no_gain(metrics, baselines)
    directory = page = None
    if is_chief(model.distribute_strategy):
        directory = options["out"]
        progress.on_work("saving")
        _save(model, options, configuration, source.facts, metrics, rate)
        progress.on_save()
        num_examples = source.phases[0].num_examples
        reports = {"train": data.ExampleReport(num_examples, {}, {})}
        page = run_report.finish(
            model,
            reports,
            "the last",
            lambda: [
                *_beside(metrics, baselines),
                *(table for one in gaps for table in one.tables()),
            ],
            _speed(model, run_report.history),
        )
        # The last one's say until the end that the run is done.
        for backup in backups:
            backup.remove()
    return PretrainResult(
        model=model,
        directory=directory,
        report=page,
        history=run_report.history,
        metrics=metrics,
        baselines=baselines,
        facts=source.facts,
        num_examples=source.phases[0].num_examples,
        steps=sum(length.num_batches for length in lengths)
        // options["gradient_accumulation_steps"],
        learning_rate=rate,
        padding_fraction=float(
            np.mean([row["padding_fraction"] for row in run_report.history])
        ),
        precision=model.dtype_policy.name,
    )


class Length(NamedTuple):
    """How long a phase is: batches, and in how many parts it is measured."""

    num_batches: int
    num_parts: int


def _train(
    model: PretrainingModel,
    phases: Sequence[Phase],
    lengths: Sequence[Length],
    backups: Sequence[Backup],
    options: Mapping[str, Any],
    callbacks: Sequence[keras.callbacks.Callback],
    run_report: RunReport,
) -> dict[str, list[float]]:
    """Trains phase by phase; returns the last one's history.

    Each has an optimizer, a schedule and backups of its own. Where a phase has
    backups, those before it have ended: they are left out.
    """
    strategy = model.distribute_strategy
    directories = _backup_directories(options)
    is_begun = [
        is_chief(strategy) and backup_files.exist(one) for one in directories
    ]
    (is_last,) = distribution.any_of(strategy, np.array([is_begun[-1]]))
    first = len(phases) - 1 if is_last else 0
    num_done = sum(length.num_parts for length in lengths[:first])
    history = {}
    for phase, length, backup in list(zip(phases, lengths, backups))[first:]:
        model.sequence_length = phase.sequence_length
        run_report.begin_phase(backup)
        packed_length = options["packed_length"]
        if packed_length is not None:
            packed_length = max(packed_length, phase.sequence_length)
        with _damage_named(phase.train):
            history = model.fit(
                phase.train,
                batch_size=phase.batch_size,
                initial_epoch=num_done,
                epochs=num_done + length.num_parts,
                steps_per_epoch=length.num_batches // length.num_parts,
                validation_data=phase.held_out,
                seed=options["seed"],
                tokens_per_batch=options["tokens_per_batch"],
                packed_length=packed_length,
                backup=backup,
                callbacks=list(callbacks),
                verbose=0,
            ).history
        num_done += length.num_parts
    return history


@contextlib.contextmanager
def _damage_named(train: CorpusExamples | RecordBatches) -> Iterator[None]:
    """Names file and record where one turns out to be damaged."""
    try:
        yield
    except tf.errors.DataLossError:
        if isinstance(train, RecordBatches):
            train.check()
        raise


def _backup_directories(options: Mapping[str, Any]) -> list[str]:
    """Returns where the backups of each phase are."""
    first = options["backup_dir"]
    is_one = options["long_sequence_length"] is None
    return [first] if is_one else [first, f"{first}.long"]


def _model(
    options: Mapping[str, Any],
    objective: Objective,
    tokenizer: Tokenizer,
    preset: presets.Preset | None,
    recipe: OptimizerRecipe,
    scope: contextlib.AbstractContextManager,
    progress: Progress,
) -> PretrainingModel:
    """Returns the compiled model, if there is room to save it."""
    choice = precision_choice(options)
    keras.utils.set_random_seed(options["seed"])
    with scope:
        shared = {k: v for k, v in options.items() if k not in _OF_EACH_WORKER}
        shared["objective"] = objective.get_config()
        run_settings.check_workers(
            tf.distribute.get_strategy(), run_settings.as_json(shared)
        )
        precision, reason = precisions.agreed(choice)
        length = _longest(options)
        progress.on_work("making the model")
        if preset is not None:
            model = PretrainingModel.from_preset(
                preset,
                objective,
                tokenizer=tokenizer,
                sequence_length=length,
                num_layers=options["num_layers"],
                encoder_dropout=options["dropout"],
                dtype=precision,
            )
        else:
            encoder = _new_encoder(options, tokenizer, precision)
            model = PretrainingModel(encoder, objective, tokenizer, length)
        model.compile(recipe)
    progress.check()
    check_room(model, options["out"])
    progress.on_note(
        "model",
        f"{_origin(options)} for {objective.name}, {model.count_params():,} "
        f"parameters, {precision}",
    )
    if preset is not None and options["vocabulary"] is not None:
        kept = len({*tokenizer.tokens} & {*preset.tokenizer().tokens})
        progress.on_note(
            "vocabulary",
            f"{kept:,} tokens of {preset.name}, "
            f"{tokenizer.vocabulary_size - kept:,} new ones",
        )
    if reason:
        progress.on_note("precision", f"{precision}: {reason}")
    return model


def _new_encoder(
    options: Mapping[str, Any], tokenizer: Tokenizer, precision: str
) -> keras.Model:
    sizes = {n: options[n] for n in SIZES if options[n] is not None}
    if "dropout" in sizes:
        sizes["attention_dropout"] = sizes["dropout"]
    sizes["vocabulary_size"] = tokenizer.vocabulary_size
    if options["architecture"] is not None:
        return presets.load_encoder(
            options["architecture"],
            load_weights=False,
            dtype=precision,
            **sizes,
        )
    width = sizes["hidden_dim"]
    sizes.setdefault("num_heads", max(width // 64, 1))
    sizes.setdefault("intermediate_dim", 4 * width)
    return BertEncoder(
        **sizes,
        max_sequence_length=_longest(options),
        dtype=precision,
    )


def _start_embeddings(
    model: PretrainingModel, source: Source, seed: int, progress: Progress
) -> None:
    """Gives tokens with like neighbors in the corpus like embeddings."""
    table = model.encoder.token_embedding
    vectors = cooccurrence.token_vectors(
        source.phases[0].train.corpus,
        *table.shape,
        seed,
        lambda done, total: progress.on_work(
            "making initial embeddings", done, total
        ),
    )
    # Another machine's need not be the same to the last bit.
    _, sent = distribution.from_chief(
        model.distribute_strategy, None, {"vectors": vectors}
    )
    table.assign(sent["vectors"])


def _save(
    model: PretrainingModel,
    options: Mapping[str, Any],
    configuration: Mapping[str, Any],
    facts: Mapping[str, int],
    metrics: Mapping[str, float],
    rate: float,
) -> None:
    """Writes the model's directory: model, card, and the options to repeat."""
    model.save_to_preset(
        options["out"],
        overwrite=options["overwrite"],
        card=CardFacts(
            data=facts,
            metrics=metrics,
            hyperparameters=hyperparameters(options, rate),
        ),
    )
    write_run_file(
        {
            **configuration,
            "learning_rate": rate,
            "precision": model.dtype_policy.name,
        },
        [*options_of(pretrain), *plugin_options(model.objective, "")],
        pathlib.Path(options["out"]) / RUN_FILE,
        "pretrain",
    )


def _longest(options: Mapping[str, Any]) -> int:
    return options["long_sequence_length"] or options["sequence_length"]


def _lengths(options: Mapping[str, Any], source: Source) -> list[Length]:
    """Returns how long each phase is, of which parts are all alike."""
    per_step = options["gradient_accumulation_steps"]
    total = options["steps"]
    if total is not None:
        total *= per_step
    else:
        phase = source.phases[0]
        batches = math.ceil(phase.num_examples / phase.batch_size)
        if options["tokens_per_batch"] is not None:
            batches = math.ceil(source.num_tokens / options["tokens_per_batch"])
        total = options["epochs"] * batches
    if len(source.phases) == 1:
        return [_in_parts(total, NUM_PARTS)]
    # A step each, at least.
    fraction = options["long_fraction"]
    long = max(round(total * fraction), per_step)
    parts = min(max(round(NUM_PARTS * fraction), 1), NUM_PARTS - 1)
    return [
        _in_parts(max(total - long, per_step), NUM_PARTS - parts),
        _in_parts(long, parts),
    ]


def _in_parts(num_batches: int, most_parts: int) -> Length:
    parts = min(most_parts, num_batches)
    return Length(math.ceil(num_batches / parts) * parts, parts)


def _warn_of_no_gain(
    metrics: Mapping[str, float], baselines: Mapping[str, float]
) -> None:
    """Warns if masked tokens are predicted no better than by frequency."""
    for name, baseline in baselines.items():
        if name.endswith("perplexity") and metrics[name] >= baseline:
            logging.warning(
                "No better than the frequencies of tokens alone, %s %.4g. Try "
                "more epochs, a higher learning rate, or more text.",
                name,
                baseline,
            )


def _beside(
    metrics: Mapping[str, float], baselines: Mapping[str, float]
) -> list[Table]:
    """Returns a table of the model beside one without an encoder."""
    rows = [(name, metrics[name], baselines[name]) for name in baselines]
    columns = ("held-out documents", "this model", "without an encoder")
    return [Table("Beside what reads no text", columns, rows)] if rows else []


def _speed(
    model: PretrainingModel, history: Sequence[Mapping[str, float]]
) -> dict[str, str]:
    """Returns how fast the run was: tokens and, estimated, operations."""
    seconds = sum(row["seconds"] for row in history)
    tokens = sum(row["tokens_per_second"] * row["seconds"] for row in history)
    if not tokens:
        return {}
    rate = tokens / seconds
    config = model.encoder.get_config()
    width, inner = config["hidden_dim"], config["intermediate_dim"]
    # Multiplications of the forward pass for a token; two operations each,
    # and the backward pass twice the forward one.
    products = config["num_layers"] * (
        4 * width**2 + 2 * width * inner + 2 * model.sequence_length * width
    )
    return {
        "speed": f"{rate:.0f} tokens/s",
        "estimated": f"{6 * products * rate / 1e9:.1f} GFLOP/s in the blocks",
    }


def _origin(options: Mapping[str, Any]) -> str:
    return options["preset"] or options["architecture"] or "a new encoder"
