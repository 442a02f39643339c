"""Trains a task head and its encoder on labelled texts."""

import argparse
import math
import pathlib
from collections.abc import Sequence

from keras_bert_zoo import registry
from keras_bert_zoo.cli import data_flags
from keras_bert_zoo.cli import interrupts
from keras_bert_zoo.cli import optimizer_flags
from keras_bert_zoo.cli import parsing
from keras_bert_zoo.cli import run_flags
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.files import check_hdf5_space

FEWEST_EPOCHS = 3
MOST_EPOCHS = 20
FEWEST_STEPS = 150


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--head",
        required=True,
        help="the task; with it, --help shows the head's own flags too",
    )
    parser.add_argument(
        "--preset",
        required=True,
        metavar="NAME_OR_DIR",
        help="the encoder to start from; `bert-zoo list` shows names",
    )
    parser.add_argument(
        "--train", required=True, metavar="FILE", help="labelled texts"
    )
    parser.add_argument(
        "--validation",
        metavar="FILE",
        help="keeps the epoch that is best on these rows",
    )
    parser.add_argument(
        "--out",
        required=True,
        metavar="DIR",
        help="where the model goes, once it is trained",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace a model in --out"
    )
    parser.add_argument(
        "--epochs",
        type=parsing.positive,
        help="passes over the texts (default: 3, or as many as make "
        f"{FEWEST_STEPS} steps, at most {MOST_EPOCHS})",
    )
    parser.add_argument(
        "--patience",
        type=parsing.positive,
        metavar="EPOCHS",
        help="stop after so many epochs in a row that were no better than "
        "the best on --validation; never, if left out",
    )
    parser.add_argument(
        "--best-by",
        metavar="MEASURE",
        help="which measure of `bert-zoo evaluate`, such as spearman, tells "
        "the best epoch on --validation; the head's own choice, if left out",
    )
    parser.add_argument(
        "--batch-size",
        type=parsing.positive,
        default=32,
        help="texts in a step",
    )
    parser.add_argument(
        "--tokens-per-batch",
        type=parsing.positive,
        help="makes batches of so many tokens, in place of --batch-size",
    )
    parser.add_argument(
        "--packed-width",
        type=parsing.positive,
        metavar="TOKENS",
        help="packs the texts of a batch, of any length, into rows of about "
        "so many tokens; else batches hold texts of like length",
    )
    parser.add_argument(
        "--learning-rate",
        type=parsing.positive_float,
        help="the highest, after warming up (default: one that suits the "
        "encoder's size, which is printed)",
    )
    parser.add_argument(
        "--sequence-length",
        type=parsing.positive,
        help="most tokens in a text; as many as the encoder reads if left out",
    )
    parser.add_argument(
        "--freeze-encoder",
        action="store_true",
        help="train the head alone",
    )
    parser.add_argument(
        "--precision",
        choices=("float32", "mixed_bfloat16", "mixed_float16", "auto"),
        default="float32",
        help="auto: the fastest that this machine computes well, by a trial "
        "of some seconds that is kept",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        help="of the new weights, of dropout and of the order of texts",
    )
    optimizer_flags.add_optimizer_flags(parser)
    run_flags.add_run_flags(parser)
    parser.add_argument(
        "--tensorboard",
        metavar="DIR",
        help="writes curves for TensorBoard there while it trains",
    )
    parser.add_argument(
        "--check-tpu",
        action="store_true",
        help="before training, see whether a TPU could run its steps",
    )
    data_flags.add_column_flags(parser, with_label=True)


def add_plugin(
    parser: argparse.ArgumentParser, arguments: Sequence[str]
) -> None:
    """Adds the flags of the head that the arguments name."""
    name = parsing.value_of("--head", arguments)
    if name is not None:
        options = _own_options(registry.heads.get(name))
        parsing.add_options(parser, f"head {name}", options)


def run(args: argparse.Namespace) -> int:
    run_flags.check_flags(args)
    run_flags.check_out(args)
    if not 0 <= args.seed < 2**32:
        raise InputError(
            f"--seed must lie between 0 and {2**32 - 1}. Received: {args.seed}."
        )
    head_class = registry.heads.get(args.head)
    # `fit` has its own way, with a backup.
    line = "bert-zoo: Stopped outside of training; run it again."
    with (
        interrupts.ended_by_sigterm(line),
        run_flags.told_of_lost_workers(args),
    ):
        return _train(args, head_class, run_flags.strategy_scope(args))


def default_epochs(num_rows: int, batch_size: int) -> int:
    """Returns how many passes over so many rows are made without a flag.

    A few rows make so few steps that nothing is learned in three passes.
    """
    steps_per_epoch = math.ceil(num_rows / batch_size)
    enough = math.ceil(FEWEST_STEPS / steps_per_epoch)
    return min(max(enough, FEWEST_EPOCHS), MOST_EPOCHS)


def _train(args: argparse.Namespace, head_class, scope) -> int:
    import keras

    from keras_bert_zoo import data
    from keras_bert_zoo.cli.fit_progress import metrics_line
    from keras_bert_zoo.cli.watching import Watching
    from keras_bert_zoo.task.epoch_score import EpochScore
    from keras_bert_zoo.task.model import TaskModel
    from keras_bert_zoo.task.truncation import truncation
    from keras_bert_zoo.testing import check_tpu_ready
    from keras_bert_zoo.training.default_rate import default_rate
    from keras_bert_zoo.training.precision import agreed
    from keras_bert_zoo.training.precision import choose_precision
    from keras_bert_zoo.training.workers import is_chief

    head = head_class.from_rows(
        data_flags.file_rows(args, head_class, args.train, with_label=True),
        **_head_options(args, head_class),
    )
    paths = {"train": args.train}
    if args.validation:
        paths["validation"] = args.validation
    rows, reports = {}, {}
    for name, path in paths.items():
        rows[name] = data_flags.file_rows(args, head, path, with_label=True)
        report = reports[name] = data.check_rows(rows[name], head)
        labels = data_flags.label_summary(report.label_counts)
        print(f"{name:12}{report.num_rows} rows{labels}", flush=True)

    if args.epochs is None:
        args.epochs = default_epochs(reports["train"].num_rows, args.batch_size)
    interrupts.check()
    # Before the seed: it may draw weights of its own.
    choice = choose_precision(run_flags.precision_of(args))
    keras.utils.set_random_seed(args.seed)
    with scope:
        run_flags.check_workers(args, head)
        precision, reason = agreed(choice)
        model = TaskModel.from_preset(
            args.preset,
            head,
            sequence_length=args.sequence_length,
            freeze_encoder=args.freeze_encoder,
            freeze_embeddings=args.freeze_embeddings,
            dtype=precision,
        )
        model.compile(optimizer_flags.recipe(args))
    interrupts.check()
    # Better now than after hours of training.
    folder = pathlib.Path(args.out).parent
    folder.mkdir(parents=True, exist_ok=True)
    check_hdf5_space(folder, [variable.shape for variable in model.variables])
    print(
        f"{'model':12}{args.preset} with {args.head}, "
        f"{model.count_params():,} parameters, {precision}",
        flush=True,
    )
    if args.learning_rate is None:
        rate, why = default_rate(
            args.optimizer, model.encoder, model.trainable_variables
        )
        print(f"{'rate':12}{rate:g}: {why}", flush=True)
    if reason:
        print(f"{'precision':12}{precision}: {reason}", flush=True)
    if args.check_tpu:
        check_tpu_ready(model, args.batch_size)
        print(f"{'tpu':12}XLA compiles the training step", flush=True)
    callbacks = []
    if args.validation:
        named = f"val_{args.best_by}" if args.best_by else None
        best = keras.callbacks.EarlyStopping(
            named or EpochScore.monitor(head) or _monitored(head),
            patience=args.patience or args.epochs,
            restore_best_weights=True,
        )
        scorer = EpochScore(rows["validation"], name=args.best_by)
        callbacks += [scorer, best]
    backup = run_flags.backup_of(args)
    watching = Watching(args, backup)
    callbacks += watching.callbacks()
    history = model.fit(
        rows["train"],
        batch_size=args.batch_size,
        epochs=args.epochs,
        validation_data=rows.get("validation"),
        seed=args.seed,
        tokens_per_batch=args.tokens_per_batch,
        packed_width=args.packed_width,
        backup=backup,
        callbacks=callbacks,
        verbose=0,
    )
    tuned = model.tune(rows["validation"]) if args.validation else {}
    chosen = ""
    if args.validation:
        chosen = f"{best.best_epoch + 1} by {best.monitor}"
    saves = is_chief(model.distribute_strategy)
    if saves:
        model.save_to_preset(args.out, overwrite=args.overwrite)
        page = watching.finish(model, rows, reports, chosen)
        backup.remove()

    counts = model.input_counts
    print(
        f"{'truncated':12}"
        f"{truncation(counts, model.head, model.sequence_length)}\n"
        f"{'padding':12}{counts.padding_share:.1%} of all tokens"
    )
    if args.validation:
        metrics = {
            name: values[best.best_epoch]
            for name, values in history.history.items()
            if name.startswith("val_")
        }
        print(f"{'best epoch':12}{chosen}: {metrics_line(metrics)}")
        if best.stopped_epoch:
            print(
                f"{'stopped':12}after epoch {best.stopped_epoch + 1}: "
                f"{args.patience} in a row were no better"
            )
    for name, value in tuned.items():
        print(f"{'tuned':12}{name} {value:.4g}")
    if saves:
        print(f"{'saved':12}{args.out}")
        if page is not None:
            print(f"{'report':12}{page}")
    else:
        print(f"{'saved':12}by the first worker")
    if args.validation:
        measures = {
            name.removeprefix("val_"): value for name, value in metrics.items()
        }
        guess = model.head.guess(rows["validation"], measures)
        if guess is not None:
            print(
                f"{'warning':12}no better than always answering {guess}. Try "
                "more --epochs, a higher --learning-rate, more rows; or check "
                "that labels and texts belong together."
            )
    return 0


def _own_options(head_class) -> list:
    # The second text's column says whether there is one.
    return [
        option for option in head_class.options() if option.name != "text_pair"
    ]


def _head_options(args: argparse.Namespace, head_class) -> dict:
    options = parsing.chosen_options(args, _own_options(head_class))
    if args.text_pair_column and len(head_class.text_fields) < 2:
        names = [option.name for option in head_class.options()]
        if "text_pair" not in names:
            raise InputError(
                f"The head {args.head!r} reads no second text. Received: "
                f"--text-pair-column {args.text_pair_column}. Leave it out."
            )
        options["text_pair"] = True
    return options


def _monitored(head) -> str:
    from keras_bert_zoo.training import keras_names

    # Keras knows for its own metrics, and for the loss, which way is up.
    for metric in [*head.metrics(), *head.weighted_metrics()][:1]:
        if keras_names.direction_of(metric):
            return f"val_{metric.name}"
    return "val_loss"
