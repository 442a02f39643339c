"""Pre-training: from a corpus to an encoder of one's own."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import Literal

from keras_bert_zoo import registry
from keras_bert_zoo.arguments import Directory
from keras_bert_zoo.arguments import Files
from keras_bert_zoo.arguments import FractionBelowOne
from keras_bert_zoo.arguments import Head
from keras_bert_zoo.arguments import Positive
from keras_bert_zoo.arguments import Steps
from keras_bert_zoo.arguments import Tokens
from keras_bert_zoo.arguments import takes
from keras_bert_zoo.errors import InputError
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
    "corpus": "Documents",
    "examples": "Examples",
    "long_examples": "Examples",
    "tensorboard": "TensorBoard's files",
    "validation": "Documents",
    "vocabulary": "The vocabulary",
}
# Of a new encoder. One that is continued has sizes of its own; more blocks may
# be stacked, and the dropout be another.
SIZES = (
    "num_layers",
    "num_heads",
    "hidden_dim",
    "intermediate_dim",
    "dropout",
)
_OF_A_PRESET = ("num_layers", "dropout")


@dataclasses.dataclass(frozen=True)
class PretrainResult:
    """What a pre-training run did.

    Attributes:
        model: `PretrainingModel`, trained.
        directory: path of the saved model; `None` on a worker that is not
            the first, which saves for all.
        report: path of the page on the run; `None` if there is none.
        history: a dict of metrics for each part of the run, as in
            `history.csv`.
        metrics: name -> value on the held-out documents, at the end; empty
            without any.
        baselines: name of a metric -> what a model without an encoder gets.
        facts: name -> number: documents and tokens learned from and held
            out.
        num_examples: int. Examples of an epoch.
        steps: int. Updates of the weights.
        learning_rate: float. The highest.
        padding_fraction: float. Fraction of padding among all tokens.
        precision: str. Keras's dtype policy.
    """

    model: Any = dataclasses.field(repr=False)
    directory: str | None
    report: str | None
    history: Sequence[Mapping[str, float]] = dataclasses.field(repr=False)
    metrics: Mapping[str, float]
    baselines: Mapping[str, float]
    facts: Mapping[str, int]
    num_examples: int
    steps: int
    learning_rate: float
    padding_fraction: float
    precision: str


@takes(
    BatchOptions(),
    TrainingOptions(),
    OptimizerOptions(),
    UpdateOptions(global_clipnorm=1.0),
    RunOptions(),
)
def pretrain(
    *,
    out: Directory,
    corpus: Files | None = None,
    examples: Files | None = None,
    vocabulary: Directory | None = None,
    architecture: str | None = None,
    preset: str | None = None,
    objective: Head = "masked_lm",
    validation: Files | None = None,
    hold_out: FractionBelowOne = 0.02,
    overwrite: bool = False,
    epochs: Positive | None = None,
    steps: Steps | None = None,
    sequence_length: Positive = 128,
    num_layers: Positive | None = None,
    num_heads: Positive | None = None,
    hidden_dim: Positive | None = None,
    intermediate_dim: Positive | None = None,
    dropout: FractionBelowOne | None = None,
    initial_embeddings: Literal["random", "cooccurrence"] = "random",
    long_sequence_length: Tokens | None = None,
    long_fraction: FractionBelowOne = 0.1,
    long_batch_size: Positive | None = None,
    long_examples: Files | None = None,
    document_format: str | None = None,
    split: Literal["sentences", "lines"] = "sentences",
    text_key: str = "text",
    progress: Any = None,
    **objective_options: Any,
) -> PretrainResult:
    """Trains an encoder on documents alone, from random weights or given ones.

    The directory also holds `history.csv`, a page on the run (`report.html`)
    and the run's options (`run.toml`). A run that was killed resumes when the
    function is called again with the same arguments.

    Args:
        out: directory of the model.
        corpus: text files, plain or gzipped, or directories of some; for
            several, several times.
        examples: in place of a corpus, a directory that `make-examples`
            wrote, or TFRecord files with the keys of google-research/bert.
        vocabulary: directory of the tokenizer, as `vocabulary` writes it. With
            a preset it replaces the preset's: a new token's embedding begins
            as the mean of those of the old tokens that spell it.
        architecture: preset or directory whose sizes a new encoder has.
        preset: trained model to continue, in place of the architecture; with
            its own vocabulary, if no other is given.
        objective: name of what is learned; with it, --help lists the
            objective's own flags (in Python, also an `Objective`).
        validation: text files that are not learned from (default: some
            documents of the corpus).
        hold_out: fraction of the corpus that is not learned from, where
            there are no validation files.
        overwrite: whether a model in the directory may be replaced.
        epochs: passes over the corpus (default: 10).
        steps: updates of the weights, in place of epochs.
        {BatchOptions}
        sequence_length: maximum number of tokens in an example.
        {TrainingOptions}

    Args, new encoder:
        num_layers: transformer blocks (default: the architecture's). With a
            preset, more than it has: copies of its blocks are stacked.
        num_heads: attention heads (default: the architecture's, or one for
            each 64 of the width).
        hidden_dim: width of the vectors (default: the architecture's).
        intermediate_dim: inner width of the feed-forward parts (default: the
            architecture's, or four times the width).
        dropout: of vectors and attention weights (default: the architecture's,
            or 0.1; with a preset, its own). With few epochs, 0 is often better.
        initial_embeddings: the token embeddings before training: random
            numbers, or vectors from counts of which tokens co-occur in the
            corpus, with which a small encoder learns faster.

    Args, second phase:
        long_sequence_length: maximum number of tokens in an example of a second
            phase, with a schedule of its own, which ends the run (default:
            none).
        long_fraction: share of the steps that the second phase has.
        long_batch_size: examples in a batch of the second phase (default: as
            many as have the tokens of a batch before).
        long_examples: with examples in place of a corpus, those of the second
            phase.

    Args, documents:
        document_format: blank_lines (documents stand between blank lines),
            lines (each on one), or jsonl (default: by the files' names).
        split: whether lines are split into sentences by their punctuation, or
            are sentences already.
        text_key: key of the text in a JSON object.

    Args, optimizer:
        {OptimizerOptions}
        {UpdateOptions}

    Args, run:
        {RunOptions}

    Args, Python alone:
        progress: `Progress` or `None`. Hears how far the run is.
        **objective_options: arguments of the objective, such as
            `pairs="sentence_order"`.

    Returns:
        `PretrainResult`.

    Raises:
        InputError: if an option or a file breaks a rule.
        DivergenceError: if the loss becomes NaN or infinite.
        StoppedError: on SIGTERM during training, after a backup was written;
            or if another worker is lost.

    Example:
        zoo.train_vocabulary(corpus=["corpus.txt"], out="words", size=8192)
        result = zoo.pretrain(
            corpus=["corpus.txt"],
            vocabulary="words",
            architecture="bert_mini_en_uncased",
            out="my_bert",
        )
        print(result.metrics, result.baselines)
    """
    given = {**locals(), **objective_options}
    options = workflow_options.checked(pretrain, given)
    objective_options = {
        k: v for k, v in objective_options.items() if k not in options
    }
    check_paths(options, _OUTSIDE, needed=("preset", "architecture"))
    _check_combinations(options)
    if options["epochs"] is None and options["steps"] is None:
        options["epochs"] = 10
    configuration = {**options, **objective_options}
    if isinstance(objective, str):
        kind = registry.objectives.get(objective)
        known = [*inspect.signature(kind).parameters]
        unknown = [name for name in objective_options if name not in known]
        if unknown:
            raise InputError(
                f"Pre-training and the objective {objective!r} have no such "
                f"options. Received: {', '.join(unknown)}. Beside the "
                "arguments of `pretrain` the objective takes "
                f"{', '.join(known)}."
            )
    check_out(options)

    # Here, so that the command line reads the options without TensorFlow.
    from keras_bert_zoo.workflows import pretrain_run
    from keras_bert_zoo.workflows.progress import Progress

    with lost_workers_reported(options):
        return pretrain_run.run(
            options, objective_options, configuration, progress or Progress()
        )


def _check_combinations(options: Mapping[str, Any]) -> None:
    """Refuses options that do not go together."""
    given = [one for one in ("corpus", "examples") if options[one] is not None]
    if len(given) != 1:
        raise InputError(
            "`pretrain` learns from `corpus` or from `examples`. "
            f"Received: {' and '.join(given) or 'neither'}. Give one of them."
        )
    if options["epochs"] is not None and options["steps"] is not None:
        raise InputError(
            "`epochs` and `steps` exclude each other. Received: "
            f"epochs={options['epochs']}, steps={options['steps']}. Give one "
            "of them."
        )
    for name in ("packed_length", "tokens_per_batch"):
        if options["examples"] is not None and options[name] is not None:
            raise InputError(
                "`examples` come in batches of `batch_size`. "
                f"Received: {name}={options[name]}. Leave it out, or give the "
                "corpus."
            )
    _check_second_phase(options)
    if options["initial_embeddings"] != "random":
        for name in ("preset", "examples"):
            if options[name] is not None:
                raise InputError(
                    "initial_embeddings=cooccurrence is for a new encoder that "
                    f"learns from a corpus. Received: {name}={options[name]}. "
                    "Leave out one of the two."
                )
    new = [
        name
        for name in ("architecture", *SIZES)
        if options[name] is not None and name not in _OF_A_PRESET
    ]
    if options["preset"] is not None and new:
        raise InputError(
            "A trained model has sizes of its own. Received: "
            f"preset={options['preset']} and {', '.join(new)}. Leave the "
            "preset out, for a new encoder, or the others."
        )
    if options["preset"] is None and options["vocabulary"] is None:
        raise InputError(
            "A new encoder needs a vocabulary. Received: neither `vocabulary` "
            "nor `preset`. Learn one with `bert-zoo vocabulary`, or name a "
            "trained model to go on from as the preset."
        )
    if options["preset"] is None and options["architecture"] is None:
        missing = [
            name
            for name in ("num_layers", "hidden_dim")
            if options[name] is None
        ]
        if missing:
            raise InputError(
                "A new encoder needs sizes. Received: no `architecture`, and "
                f"no {' and no '.join(missing)}. Name a preset as the "
                "architecture (`bert-zoo list`), or give both."
            )


def _check_second_phase(options: Mapping[str, Any]) -> None:
    """Refuses options of a second phase that do not go together."""
    length = options["long_sequence_length"]
    if length is None:
        for name in ("long_batch_size", "long_examples"):
            if options[name] is not None:
                raise InputError(
                    f"`{name}` is for a second phase. Received: "
                    f"{name}={options[name]}, and no long_sequence_length. "
                    "Give both, or neither."
                )
        return
    if length <= options["sequence_length"]:
        raise InputError(
            "The second phase has longer examples. Received: "
            f"sequence_length={options['sequence_length']}, "
            f"long_sequence_length={length}. Raise the second."
        )
    if not options["long_fraction"]:
        raise InputError(
            "A second phase has a share of the steps. Received: "
            "long_fraction=0. Raise it, or leave long_sequence_length out."
        )
    if (options["examples"] is None) != (options["long_examples"] is None):
        raise InputError(
            "Both phases learn from a corpus, or both from examples made of "
            "one. Received: "
            f"{'examples' if options['examples'] else 'long_examples'} alone. "
            "Make examples of long_sequence_length tokens too, or give the "
            "corpus."
        )
