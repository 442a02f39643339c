"""Entry of the command line: finds the verb, runs it, reports errors."""

import argparse
import codecs
import importlib
import io
import logging as standard_logging
import os
import pkgutil
import re
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import NoReturn

from absl import app
from absl import flags
from absl import logging

from keras_bert_zoo import __version__
from keras_bert_zoo.cli import interrupts
from keras_bert_zoo.cli import parsing
from keras_bert_zoo.cli import verbs
from keras_bert_zoo.cli.parsing import ArgumentParser
from keras_bert_zoo.errors import DivergenceError
from keras_bert_zoo.errors import ExportError
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.errors import StoppedError

PROGRAM = "bert-zoo"
FAILURE = 1
USER_ERROR = 2
DIVERGED = 3
INTERRUPTED = 130
CLOSED_PIPE = 141

_VERBOSITY = re.compile(r"--?(v|verbosity)(=.*)?$")


def run(argv: Sequence[str] | None = None) -> NoReturn:
    """Runs the command line and exits.

    The status is 0 on success; with one line on stderr, 1 for an artifact
    that differs from its model, 2 for an error of the user's, 3 for a
    training run whose loss became NaN or infinite, and 75 for one that was
    stopped and resumes when it is called again; 130 after Ctrl-C; 141,
    without a line, where the reader of a pipe closed it. Errors of our own
    keep their traceback.

    Writes UTF-8, whatever the locale.

    Args:
        argv: the program's name and arguments; `sys.argv` when `None`.
    """
    _write_utf8()
    interrupts.install_handler()
    try:
        _run(list(sys.argv if argv is None else argv))
    except BrokenPipeError:
        # The reader has what it wanted, as in `bert-zoo list | head -1`. What
        # is still in the buffers is written when Python ends.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            os.dup2(nowhere, stream.fileno())
        sys.exit(CLOSED_PIPE)


def _write_utf8() -> None:
    """Lets stdout and stderr write UTF-8.

    What no text may hold, such as the lone surrogates that stand for a file
    name's bytes, is written as an escape, which JSON reads, too. A terminal
    that shows no UTF-8 is told of progress and errors in ASCII.
    """
    for stream in (sys.stdout, sys.stderr):
        if not isinstance(stream, io.TextIOWrapper):
            continue
        encoding = "utf-8"
        if stream is sys.stderr and stream.isatty():
            known = codecs.lookup(stream.encoding).name
            encoding = "utf-8" if known == "utf-8" else "ascii"
        stream.reconfigure(encoding=encoding, errors="backslashreplace")


def _run(argv: list[str]) -> None:
    """Runs the verb; errors that users cause end the process."""
    try:
        app.run(_run_verb, argv=argv, flags_parser=parse)
    except BrokenPipeError:
        raise
    except KeyboardInterrupt:
        _exit(INTERRUPTED, "interrupted")
    except StoppedError as error:
        _exit(interrupts.STOPPED, str(error))
    except Exception as error:
        if interrupts.was_interrupted():
            _exit(INTERRUPTED, "interrupted")
        message = _user_error(error)
        if message is not None:
            _exit(USER_ERROR, message)
        if isinstance(error, DivergenceError):
            _exit(DIVERGED, str(error))
        if not isinstance(error, ExportError):
            raise
        _exit(FAILURE, str(error))


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Returns the parsed arguments; `verb` is the verb's module.

    A plugin's own flags are only known once it is imported. That takes
    seconds, so it happens where they occur or help is asked for.

    Args:
        argv: the program's name and arguments.
    """
    arguments = list(argv[1:])
    if not any(map(_VERBOSITY.match, arguments)):
        # Importing a plugin for its flags may load TensorFlow.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if not {"-h", "--help", "--config"} & {a.split("=")[0] for a in arguments}:
        args, unknown = _parser()[0].parse_known_args(arguments)
        _quieten()
        if not unknown:
            return args
    try:
        parser, of_verbs = _parser(arguments)
        args, unknown = parser.parse_known_args(arguments)
        if unknown:
            of_verbs[args.verb].refuse(unknown)
    finally:
        # A help text ends the process: a closed pipe shows here.
        _flush()
    _quieten()
    return args


def _parser(
    arguments: Sequence[str] = (),
) -> tuple[ArgumentParser, dict[ModuleType, ArgumentParser]]:
    """Returns the parser, and that of each verb.

    Args:
        arguments: of the command line, whose configuration file and whose
            plugin's flags the parser takes; empty for neither.
    """
    parser = ArgumentParser(
        prog=PROGRAM,
        description="BERT encoders, from checkpoints to served models.",
        epilog=f"Help on a verb: {PROGRAM} VERB --help",
    )
    parser.add_argument(
        "--version", action="version", version=f"{PROGRAM} {__version__}"
    )
    subparsers = parser.add_subparsers(metavar="VERB", required=True)
    of_verbs = {}
    for name, verb in _verbs().items():
        summary = (verb.__doc__ or "").partition("\n")[0]
        subparser = subparsers.add_parser(
            name, help=summary, description=summary
        )
        subparser.set_defaults(verb=verb)
        if hasattr(verb, "add_arguments"):
            verb.add_arguments(subparser)
        if hasattr(verb, "WORKFLOW"):
            own = arguments if name in arguments[:1] else ()
            parsing.add_workflow(subparser, verb, own)
        of_verbs[verb] = subparser
    return parser, of_verbs


def _run_verb(args: argparse.Namespace) -> int:
    status = args.verb.run(args)
    # A full disk or a closed pipe shows here rather than after our handlers.
    _flush()
    return status


def _flush() -> None:
    if sys.stdout is not None:  # as where a scheduler closed it
        sys.stdout.flush()


def _verbs() -> dict[str, ModuleType]:
    return {
        found.name.replace("_", "-"): importlib.import_module(
            f"{verbs.__name__}.{found.name}"
        )
        for found in pkgutil.iter_modules(verbs.__path__)
    }


def _quieten() -> None:
    # No dates, threads and lines of code.
    logging.get_absl_handler().setFormatter(
        standard_logging.Formatter("%(levelname)s: %(message)s")
    )
    # absl would show information by default; TensorFlow reads its variable
    # once, when it is imported. `--verbosity=0` keeps both talking.
    if flags.FLAGS["verbosity"].using_default_value:
        flags.FLAGS.verbosity = logging.WARNING
    if flags.FLAGS["verbosity"].value < logging.INFO:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def _user_error(error: Exception) -> str | None:
    # Flags of absl's own, such as --verbosity, raise errors of its own.
    if isinstance(error, (InputError, flags.Error)):
        return str(error)
    if isinstance(error, OSError):
        reason = os.strerror(error.errno) if error.errno else str(error)
        return f"{error.filename}: {reason}" if error.filename else reason
    # TensorFlow and HDF5 have types of their own for these.
    if "No space left on device" in str(error):
        return "No space left on device. Free some, or write elsewhere."
    if "File too large" in str(error):
        return "File too large for this disk or account. Write elsewhere."
    if isinstance(error, MemoryError) or (
        type(error).__name__ == "ResourceExhaustedError"
    ):
        return (
            "Out of memory. Make batches smaller (--batch-size), or texts "
            "shorter (--sequence-length, when training)."
        )
    return None


def _exit(status: int, message: str) -> NoReturn:
    print(f"{PROGRAM}: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(status)
