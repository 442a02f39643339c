"""Fine-tuning: from labelled examples to a saved model and its report."""

from __future__ import annotations

import dataclasses
import inspect
import pathlib
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from keras_bert_zoo import registry
from keras_bert_zoo.arguments import Column
from keras_bert_zoo.arguments import Directory
from keras_bert_zoo.arguments import Epochs
from keras_bert_zoo.arguments import FractionBelowOne
from keras_bert_zoo.arguments import Head
from keras_bert_zoo.arguments import Positive
from keras_bert_zoo.arguments import Rows
from keras_bert_zoo.arguments import takes
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.training.optimizers.options import LayerOptions
from keras_bert_zoo.training.optimizers.options import OptimizerOptions
from keras_bert_zoo.training.optimizers.options import UpdateOptions
from keras_bert_zoo.workflows import options as workflow_options
from keras_bert_zoo.workflows.run_options import BatchOptions
from keras_bert_zoo.workflows.run_options import RunOptions
from keras_bert_zoo.workflows.run_options import TrainingOptions
from keras_bert_zoo.workflows.training_checks import check_out
from keras_bert_zoo.workflows.training_checks import check_paths
from keras_bert_zoo.workflows.training_checks import lost_workers_reported

# Options whose files the model's directory, replaced as a whole, would take
# along, and what they are called in messages.
_OUTSIDE = {
    "backup_dir": "Backups",
    "tensorboard": "TensorBoard's files",
    "train": "Examples",
    "validation": "Examples",
}


@dataclasses.dataclass(frozen=True)
class FinetuneResult:
    """What a fine-tuning run did.

    Attributes:
        model: `TaskModel`, with the weights of the best epoch.
        directory: path of the saved model; `None` on a worker that is not
            the first, which saves for all.
        report: path of the page on the run; `None` if there is none.
        history: a dict of metrics for each epoch, as in `history.csv`.
        best_epoch: int, from 1, the epoch whose weights are kept; `None`
            without validation examples, when it is the last.
        best_by: name of the metric that it is best by, such as
            `val_accuracy`.
        metrics: name -> value on the validation examples, of that epoch.
        stopped_epoch: int, from 1, the last epoch if `patience` ended the
            run; else `None`.
        tuned: options of the head that were chosen on the validation
            examples, such as a threshold.
        num_examples: int. Training examples.
        num_truncated: int. Training examples that were too long.
        truncation: str. The same, in words.
        padding_fraction: float. Fraction of padding among all tokens.
        learning_rate: float. The highest.
        learning_rate_reason: str. Why, if it was not given.
        precision: str. Keras's dtype policy.
        warnings: what is likely to be wrong, such as a model that is no
            better than guessing.
    """

    model: Any = dataclasses.field(repr=False)
    directory: str | None
    report: str | None
    history: Sequence[Mapping[str, float]] = dataclasses.field(repr=False)
    best_epoch: int | None
    best_by: str | None
    metrics: Mapping[str, float]
    stopped_epoch: int | None
    tuned: Mapping[str, Any]
    num_examples: int
    num_truncated: int
    truncation: str
    padding_fraction: float
    learning_rate: float
    learning_rate_reason: str
    precision: str
    warnings: Sequence[str]


@takes(
    BatchOptions(),
    TrainingOptions(),
    OptimizerOptions(),
    LayerOptions(),
    UpdateOptions(),
    RunOptions(),
)
def finetune(
    *,
    head: Head,
    preset: str,
    train: Rows,
    out: Directory,
    validation: Rows | None = None,
    hold_out: FractionBelowOne = 0.0,
    limit: Positive | None = None,
    overwrite: bool = False,
    epochs: Positive | None = None,
    patience: Epochs | None = None,
    best_by: str | None = None,
    sequence_length: Positive | None = None,
    special_in_texts: bool | None = None,
    freeze_encoder: bool = False,
    encoder_dropout: FractionBelowOne | None = None,
    check_tpu: bool = False,
    freeze_embeddings: bool = False,
    text_column: Column | None = None,
    text_pair_column: Column | None = None,
    label_column: Column | None = None,
    data_format: str | None = None,
    progress: Any = None,
    **head_options: Any,
) -> FinetuneResult:
    """Trains a task head and its encoder, and saves the model.

    The directory of the model also holds `history.csv`, a page on the run
    (`report.html`), and the run's options (`run.toml`). A run that was killed
    resumes when the function is called again with the same arguments.

    Args:
        head: name of the task; with it, --help lists the head's own flags
            (in Python, also a `TaskHead`).
        preset: pretrained encoder to start from: name of a preset,
            hf:ORGANIZATION/NAME, or a directory in any format that is read.
        train: labelled examples (in Python, also whatever `TaskModel.fit`
            takes as validation data: a table, pairs, a data set).
        out: directory of the model.
        validation: labelled examples that are not trained on; the epoch that
            is best on them is kept.
        hold_out: fraction of the training examples, drawn at random, to
            validate on, where `validation` is not given.
        limit: read only so many of the first examples of each file.
        overwrite: whether a model in the directory may be replaced.
        epochs: passes over the examples (default: 3, or more where they are
            few, as the head says).
        patience: stop after so many epochs in a row without improvement on
            the validation examples.
        best_by: metric that chooses the best epoch, such as spearman (default:
            the head's own).
        {BatchOptions}
        sequence_length: maximum number of tokens in an example (default: as
            many as the encoder reads).
        special_in_texts: parse special tokens that are written in a text, such
            as a separator, as special tokens, as Hugging Face's tokenizers do
            (default: what the preset says, usually not).
        freeze_encoder: train the head alone.
        encoder_dropout: of the encoder's vectors and attention weights
            (default: the preset's; where that is 0, try 0.1 to 0.3).
        {TrainingOptions}
        check_tpu: check before training whether a TPU could run the steps.

    Args, optimizer:
        {OptimizerOptions}
        {LayerOptions}
        freeze_embeddings: do not train the embeddings.
        {UpdateOptions}

    Args, run:
        {RunOptions}

    Args, columns:
        text_column: name of the column (key, in JSON Lines) of the texts, or
            its number from 0 for a file without a header (default: the
            task's usual one).
        text_pair_column: column of the second text, where an example has
            two.
        label_column: column of the labels.
        data_format: format of the files, where their names do not end with
            it: tsv, csv or jsonl, or one of the task's own.

    Args, Python alone:
        progress: `Progress` or `None`. Hears how far the run is.
        **head_options: arguments of the head, such as `pooling="mean"`.

    Returns:
        `FinetuneResult`.

    Raises:
        InputError: if an option or an example breaks a rule.
        DivergenceError: if the loss becomes NaN or infinite.
        StoppedError: on SIGTERM during training, after a backup was written;
            or if another worker is lost.

    Example:
        result = zoo.finetune(
            head="classification",
            preset="minilm_l6_en_uncased",
            train="train.tsv",
            validation="heldout.tsv",
            out="sentiment",
        )
        print(result.best_epoch, result.metrics)
    """
    options = workflow_options.checked(finetune, {**locals(), **head_options})
    head_options = {k: v for k, v in head_options.items() if k not in options}
    configuration = {**options, **head_options}
    check_paths(options, _OUTSIDE, needed=("preset",))
    _check_combinations(options)
    head_class = head
    if isinstance(head, str):
        head_class = registry.heads.get(head)
        _check_head_options(options, head_class, head_options)
    elif head_options:
        raise InputError(
            "Only a head that is given by its name takes options. Received: a "
            f"{type(head).__name__} and {', '.join(head_options)}. Give them "
            "to the head itself."
        )
    check_out(options)
    if options["tensorboard"]:
        pathlib.Path(options["tensorboard"]).mkdir(parents=True, exist_ok=True)

    # Here, so that the command line reads the options without TensorFlow.
    from keras_bert_zoo.workflows import finetune_run
    from keras_bert_zoo.workflows.progress import Progress

    with lost_workers_reported(options):
        return finetune_run.run(
            options,
            head_class,
            head_options,
            configuration,
            progress or Progress(),
        )


def _check_combinations(options: Mapping[str, Any]) -> None:
    """Refuses options that do not go together."""
    for name in ("patience", "best_by"):
        is_validated = options["validation"] is not None or options["hold_out"]
        if options[name] is not None and not is_validated:
            raise InputError(
                f"`{name}` compares epochs on validation examples. Received: "
                f"{name}={options[name]} without `validation` or `hold_out`. "
                "Give one of them, or leave it out."
            )
    if options["hold_out"] and options["validation"] is not None:
        raise InputError(
            "`hold_out` and `validation` exclude each other. "
            f"Received: hold_out={options['hold_out']} and validation. Leave "
            "one of them out."
        )
    ragged = [
        name
        for name in ("packed_length", "tokens_per_batch")
        if options[name] is not None
    ]
    if ragged and (options["check_tpu"] or options["strategy"] == "tpu"):
        raise InputError(
            "A TPU is given batches of `batch_size` examples, each in a "
            f"sequence of its own. Received: {_shown(options, ragged)} with "
            "check_tpu or strategy=tpu. Leave out the former."
        )
    if options["check_tpu"] and options["strategy"] != "one":
        raise InputError(
            "The check for a TPU compiles the step of one device. Received: "
            f"check_tpu with strategy={options['strategy']}. Check first with "
            "strategy=one, and the examples of one device in `batch_size`."
        )
    # Not as by default, and not none of the steps.
    told_apart = [
        name
        for name, default in vars(LayerOptions()).items()
        if options[name] not in (default, 0.0)
    ]
    if options["freeze_encoder"] and told_apart:
        raise InputError(
            "Layers that are not trained have no learning rate. Received: "
            f"freeze_encoder with {_shown(options, told_apart)}. Leave one "
            "of them out."
        )


def _shown(options: Mapping[str, Any], names: Sequence[str]) -> str:
    return ", ".join(f"{name}={options[name]}" for name in names)


def _check_head_options(
    options: Mapping[str, Any], head_class: Any, head_options: dict[str, Any]
) -> None:
    """Checks their names; adds that a column of second texts makes pairs."""
    parameters = inspect.signature(head_class).parameters.values()
    names = [one.name for one in (*parameters, *head_class.options())]
    unknown = [name for name in head_options if name not in names]
    takes_any = any(one.kind is one.VAR_KEYWORD for one in parameters)
    if unknown and not takes_any:
        raise InputError(
            f"Fine-tuning and the head {options['head']!r} have no such "
            f"options. Received: {', '.join(unknown)}. Beside the arguments "
            f"of `finetune` the head takes {', '.join(dict.fromkeys(names))}."
        )
    if options["text_pair_column"] and len(head_class.text_fields) < 2:
        if "text_pair" not in [one.name for one in head_class.options()]:
            raise InputError(
                f"The head {options['head']!r} reads no second text. "
                f"Received: text_pair_column={options['text_pair_column']}. "
                "Leave it out."
            )
        head_options["text_pair"] = True
