"""Flags that say where a run takes place, and how it survives."""

import argparse
import contextlib

from keras_bert_zoo.cli import parsing


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
        help="where backups are until the model is saved; shared by all "
        "workers; --out with .backup added, if left out",
    )
    group.add_argument(
        "--backup-seconds",
        type=parsing.positive_float,
        default=60.0,
        help="time between two backups",
    )


def strategy_scope(
    args: argparse.Namespace,
) -> contextlib.AbstractContextManager:
    """Returns the scope to make the model in; before all of TensorFlow."""
    from keras_bert_zoo.training import strategies

    return strategies.scope_of(args.strategy)


def backup_of(args: argparse.Namespace):
    """Returns the `Backup` that the flags describe."""
    from keras_bert_zoo.training.backup import Backup

    directory = args.backup_dir or f"{args.out.rstrip('/')}.backup"
    return Backup(directory, args.backup_seconds)
