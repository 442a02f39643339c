"""Exports a trained model for deployment, verified against the live one."""

import argparse
import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator

from absl import flags
from absl import logging

from keras_bert_zoo import registry
from keras_bert_zoo.cli import parsing
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.files import check_new_directory
from keras_bert_zoo.workflows.export import export

WORKFLOW = export
PLUGINS = {"format": registry.exporters}


def run(args: argparse.Namespace) -> int:
    options = parsing.given(args)
    check_new_directory(options["out"], options.get("overwrite", False))

    from keras_bert_zoo.workflows.trained_model import load_model

    # Outside of the block that hides warnings.
    options["model"] = load_model(options["model"])
    with _quiet_libraries():
        result = export(**options)
    manifest = result.manifest
    for name, file in manifest["files"].items():
        print(f"{file['bytes']:12,}  {name}")
    print(f"signatures  {', '.join(manifest['signatures'])}")
    for name, value in manifest["verification"].items():
        print(f"verified    {name} {_short(value)}")
    print(f"saved       {result.directory}")
    return 0


def _short(value) -> str:
    return f"{value:.2g}" if isinstance(value, float) else str(value)


@contextlib.contextmanager
def _quiet_libraries() -> Iterator[None]:
    """Hides what is written to stderr in the block.

    For libraries that write there whatever their log level, as TFLite's
    converter does. An error that is not the user's brings it all back, and
    `--verbosity=0` never hides it.
    """
    if flags.FLAGS["verbosity"].value >= logging.INFO:
        yield
        return
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as hidden:
        os.dup2(hidden.fileno(), 2)
        try:
            yield
        except (InputError, OSError):
            raise
        except Exception:
            hidden.seek(0)
            os.write(terminal, hidden.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)
