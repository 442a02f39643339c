"""Checks of a training run's options, without TensorFlow."""

import contextlib
import os
import pathlib
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from keras_bert_zoo.atomic_io import check_new_directory
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.errors import StoppedError


def check_paths(
    options: dict[str, Any],
    outside: Mapping[str, str],
    needed: Sequence[str] = (),
) -> None:
    """Checks the paths, and normalizes those that are written to.

    Args:
        options: of the run, by name; `out` and `backup_dir` are changed.
        outside: options whose files the model's directory, replaced as a
            whole, would take along, and what they are called in messages.
        needed: further options that are paths or names.

    Raises:
        InputError: if one is empty, no UTF-8, or inside of the model's
            directory.
    """
    for name, value in options.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str) and not _is_utf8(one):
                raise InputError(
                    f"Names must be in UTF-8. Received: {name}={one!r}. "
                    "Rename it, or choose another."
                )
    for name in (*outside, "out", *needed):
        if options[name] == "":
            raise InputError(
                f"A path must not be empty. Received: {name}=''. Name one, or "
                "leave it out where it is optional."
            )
    out = options["out"] = os.path.normpath(options["out"])
    if pathlib.Path(out).name in ("", os.pardir):
        raise InputError(
            "The model's directory must have a name of its own, to be made "
            f"or replaced as a whole. Received: out={out}. Name a directory "
            "inside of it."
        )
    options["backup_dir"] = os.path.normpath(
        options["backup_dir"] or f"{out}.backup"
    )
    whole = pathlib.Path(out).resolve()
    for name, what in outside.items():
        given = options[name]
        for one in given if isinstance(given, list) else [given]:
            if not isinstance(one, str):
                continue
            path = pathlib.Path(one).resolve()
            if path == whole or whole in path.parents:
                raise InputError(
                    f"{what} must be outside of the model's directory. "
                    f"Received: out={out}, {name}={one}. Choose another for "
                    "one of them."
                )


def check_out(options: Mapping[str, Any]) -> None:
    """Checks early that the model can be saved.

    Raises:
        InputError: if the directory exists and is not to be replaced.
    """
    try:
        check_new_directory(options["out"], options["overwrite"])
    except InputError as error:
        from keras_bert_zoo.training.resume import backup_files

        if options["overwrite"] or not backup_files.exist(
            options["backup_dir"]
        ):
            raise
        raise InputError(
            f"{error} There are backups in {options['backup_dir']}: if the "
            "run that saved this model was killed before its report was "
            "written, the same run with overwrite saves it again and ends."
        ) from error


@contextlib.contextmanager
def lost_workers_reported(options: Mapping[str, Any]) -> Iterator[None]:
    """Turns TensorFlow's errors about a lost worker into `StoppedError`."""
    try:
        yield
    except Exception as error:
        if options["strategy"] != "workers" or not _is_of_lost_worker(error):
            raise
        raise StoppedError(
            "Another worker no longer answers. Start all workers again, each "
            "with its own command: they resume from the last backup, if there "
            f"is one in {options['backup_dir']} of the first."
        ) from error


def _is_of_lost_worker(error: Exception) -> bool:
    import tensorflow as tf

    return isinstance(
        error,
        (
            tf.errors.AbortedError,
            tf.errors.CancelledError,
            tf.errors.DeadlineExceededError,
            tf.errors.UnavailableError,
        ),
    )


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
