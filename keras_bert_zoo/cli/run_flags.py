"""Flags that say where a run takes place, and how it survives."""

import argparse
import contextlib
import os
import pathlib
from collections.abc import Iterator

from keras_bert_zoo.cli import interrupts
from keras_bert_zoo.cli import parsing
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.errors import StoppedError
from keras_bert_zoo.files import check_new_directory

# Where a worker finds and writes things; machines differ in that.
_OF_EACH_WORKER = frozenset(
    (
        "backup_dir",
        "out",
        "overwrite",
        "preset",
        "tensorboard",
        "train",
        "validation",
        "verb",
    )
)

# Flags that tell layers apart, and values with which they do not.
_RATES_OF_LAYERS = {
    "layer_decay": 1.0,
    "unfreeze_every": 0,
    "unfreeze_fraction": 0.0,
}

# Flags whose files the model's directory, replaced as a whole, would take
# along; what a mistake is told of.
_OUTSIDE = {
    "backup_dir": "Backups",
    "tensorboard": "Curves",
    "train": "Texts",
    "validation": "Texts",
}


def add_run_flags(parser: argparse.ArgumentParser) -> None:
    """Adds `--strategy`, `--backup-dir` and `--backup-seconds`."""
    group = parser.add_argument_group(
        "run",
        "A run that was killed goes on, bit for bit, when the same command "
        "is given again.",
    )
    group.add_argument(
        "--strategy",
        choices=("one", "mirrored", "workers", "tpu"),
        default="one",
        help="one device; mirrored on all GPUs here; several workers, named "
        "in TF_CONFIG; or a TPU",
    )
    group.add_argument(
        "--backup-dir",
        metavar="DIR",
        help="where backups are until the model is saved; of several workers "
        "the first uses it; --out with .backup added, if left out",
    )
    group.add_argument(
        "--backup-seconds",
        type=parsing.not_negative,
        default=60.0,
        help="time between two backups; 0 for one after each step",
    )


def strategy_scope(
    args: argparse.Namespace,
) -> contextlib.AbstractContextManager:
    """Returns the scope to make the model in; before all of TensorFlow.

    Several workers wait here until all of them have started.
    """
    from keras_bert_zoo.training import strategies

    if args.strategy != "workers":
        return strategies.scope_of(args.strategy)
    with interrupts.left_to_the_system():
        print(f"{'workers':12}waiting for all in TF_CONFIG", flush=True)
        return strategies.scope_of(args.strategy)


def check_flags(args: argparse.Namespace) -> None:
    """Finds early what would fail after hours.

    Args:
        args: of `train`; `out` and `backup_dir` are put into plain form.

    Raises:
        InputError: if flags do not go together, or name what no file can be.
    """
    for name, value in vars(args).items():
        if isinstance(value, str) and not _is_utf8(value):
            raise InputError(
                f"Names must be in UTF-8. Received: {parsing.flag(name)} "
                f"{value!r}. Rename it, or choose another."
            )
    _check_places(args)
    if args.patience and not args.validation:
        raise InputError(
            "--patience counts epochs that are no better on the rows of "
            f"--validation. Received: --patience {args.patience} alone. Give "
            "both, or leave it out."
        )
    if args.best_by and not args.validation:
        raise InputError(
            "--best-by chooses an epoch on the rows of --validation. "
            f"Received: --best-by {args.best_by} alone. Give both, or leave "
            "it out."
        )
    if args.packed_width and args.tokens_per_batch:
        raise InputError(
            "Packed rows are as many as --batch-size texts need. Received: "
            f"--packed-width {args.packed_width} --tokens-per-batch "
            f"{args.tokens_per_batch}. Leave one of them out."
        )
    is_on_tpu = args.strategy == "tpu"
    if (args.check_tpu or is_on_tpu) and (
        args.packed_width or args.tokens_per_batch
    ):
        raise InputError(
            "A TPU is given whole batches of --batch-size texts, each in a "
            f"row. Received: {'--strategy tpu' if is_on_tpu else '--check-tpu'}"
            " with --packed-width or --tokens-per-batch. Leave that out."
        )
    if args.check_tpu and args.strategy != "one":
        raise InputError(
            "What a TPU has to run is compiled for one device. Received: "
            f"--check-tpu --strategy {args.strategy}. Check first with "
            "--strategy one, and the texts of one device in --batch-size."
        )
    own_rates = [
        f"{parsing.flag(name)} {getattr(args, name)}"
        for name, idle in _RATES_OF_LAYERS.items()
        if getattr(args, name) not in (None, idle)
    ]
    if args.freeze_encoder and own_rates:
        raise InputError(
            "Layers that do not learn have no rate of their own, nor a step "
            "to begin at. Received: --freeze-encoder "
            f"{' '.join(own_rates)}. Leave one of them out."
        )
    if args.tensorboard:
        pathlib.Path(args.tensorboard).mkdir(parents=True, exist_ok=True)


def check_out(args: argparse.Namespace) -> None:
    """Checks early that the model can be saved where the flags say.

    Args:
        args: of `train`, which `check_flags` has seen.

    Raises:
        InputError: if not. Where a run saved its model and was killed before
            its end, that is told.
    """
    try:
        check_new_directory(args.out, args.overwrite)
    except InputError as error:
        from keras_bert_zoo.training import backup_files

        if args.overwrite or not backup_files.exist(args.backup_dir):
            raise
        raise InputError(
            f"{error} There are backups in {args.backup_dir}: if the run that "
            "saved this model was killed before its report was written, the "
            "same command with --overwrite saves it again and ends the run."
        ) from error


def precision_of(args: argparse.Namespace) -> str:
    """Returns the precision to ask for.

    A run that goes on keeps its own: another trial may end otherwise.
    """
    from keras_bert_zoo.training import backup_files

    if args.precision != "auto":
        return args.precision
    return backup_files.setting(args.backup_dir, "precision") or "auto"


def backup_of(args: argparse.Namespace):
    """Returns the `Backup` that the flags describe."""
    from keras_bert_zoo.training.backup import Backup

    settings = {"preset": args.preset}
    return Backup(args.backup_dir, args.backup_seconds, settings)


def check_workers(args: argparse.Namespace, head) -> None:
    """Checks that all workers were given the same command and labels.

    Before they make a model: one of another form would only tell that its
    tensors do not fit. Rows are compared when training begins.

    Args:
        args: of `train`.
        head: made for the rows.

    Raises:
        InputError: if not.
    """
    import tensorflow as tf

    from keras_bert_zoo.training import run_settings

    flags = {
        parsing.flag(name): value
        for name, value in vars(args).items()
        if name not in _OF_EACH_WORKER
        and isinstance(value, bool | int | float | str | list | None)
    }
    run_settings.check_workers(
        tf.distribute.get_strategy(),
        run_settings.as_json({**flags, "head": head.get_config()}),
    )


@contextlib.contextmanager
def told_of_lost_workers(args: argparse.Namespace) -> Iterator[None]:
    """Says in a line that another worker is gone, and what to do.

    Raises:
        StoppedError: in place of TensorFlow's own error.
    """
    try:
        yield
    except Exception as error:
        if args.strategy != "workers" or not _is_of_lost_worker(error):
            raise
        raise StoppedError(
            "Another worker no longer answers. Start all workers again, each "
            "with its own command: they go on from the last backup, if there "
            f"is one in {args.backup_dir} of the first."
        ) from error


def _check_places(args: argparse.Namespace) -> None:
    """Checks the names of files, and puts two of them into plain form."""
    for name in (*_OUTSIDE, "out", "preset"):
        if getattr(args, name) == "":
            raise InputError(
                "A file or directory must have a name. Received: "
                f"{parsing.flag(name)} ''. Name one"
                + (
                    ", or leave the flag out."
                    if name in ("backup_dir", "tensorboard", "validation")
                    else "."
                )
            )
    args.out = os.path.normpath(args.out)
    if pathlib.Path(args.out).name in ("", os.pardir):
        raise InputError(
            "The model's directory must have a name of its own, to be made "
            f"or replaced as a whole. Received: --out {args.out}. Name a "
            "directory inside of it."
        )
    args.backup_dir = os.path.normpath(args.backup_dir or f"{args.out}.backup")
    out = pathlib.Path(args.out).resolve()
    for name, what in _OUTSIDE.items():
        given = getattr(args, name)
        path = None if given is None else pathlib.Path(given).resolve()
        if path is not None and (path == out or out in path.parents):
            raise InputError(
                f"{what} must be outside of the model's directory. Received: "
                f"--out {args.out} {parsing.flag(name)} {given}. Choose "
                "another for one of them."
            )


def _is_of_lost_worker(error: Exception) -> bool:
    import tensorflow as tf

    gone = (
        tf.errors.AbortedError,
        tf.errors.CancelledError,
        tf.errors.DeadlineExceededError,
        tf.errors.UnavailableError,
    )
    return isinstance(error, gone)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
