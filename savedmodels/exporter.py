"""The base class of exporters: write, verify against the model, rename."""

import contextlib
import json
import os
import pathlib
import platform
import sys
import tempfile
from collections.abc import Callable
from collections.abc import Iterator

import keras
import tensorflow as tf
from absl import logging

import keras_bert_zoo
from keras_bert_zoo.atomic_io import atomic_directory
from keras_bert_zoo.atomic_io import sha256_of
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task import Option

MANIFEST_FILE = "manifest.json"


class Exporter:
    """Writes an artifact, verifies it, and only then renames it into place.

    A plugin sets `name` and overrides `write`, `verify` and `signatures`;
    options are arguments of its constructor.
    """

    name: str = ""

    @classmethod
    def options(cls) -> tuple[Option, ...]:
        """Returns the constructor's options that suit a command line."""
        return ()

    def export(
        self,
        model,
        directory: str | os.PathLike,
        overwrite: bool = False,
        on_work: Callable[[str], None] | None = None,
    ) -> dict:
        """Exports a model into a new directory, all or nothing.

        The artifact is written to a temporary sibling, checked against the
        live model there, and renamed.

        Args:
            model: `TaskModel`.
            directory: where the artifact goes.
            overwrite: bool. Whether an existing directory may be replaced.
            on_work: called with what is done next, in a word or two.

        Returns:
            The manifest, which is also written as `manifest.json`.

        Raises:
            InputError: if the directory exists and `overwrite` is false.
            ExportError: if the artifact differs from the model.
        """
        on_work = on_work or (lambda what: None)
        with atomic_directory(directory, overwrite) as temporary:
            with _quiet_libraries():
                on_work("exporting")
                self.write(model, temporary)
                manifest = self._manifest(model, temporary)
                on_work("verifying")
                manifest["verification"] = self.verify(model, temporary)
            text = json.dumps(manifest, indent=2, ensure_ascii=False)
            (temporary / MANIFEST_FILE).write_text(
                text + "\n", encoding="utf-8"
            )
        return manifest

    def write(self, model, directory: pathlib.Path) -> None:
        """Writes the artifact's files into an empty directory."""
        raise NotImplementedError

    def verify(self, model, directory: pathlib.Path) -> dict:
        """Compares the artifact with the live model.

        Returns:
            What was measured, JSON-able.

        Raises:
            ExportError: if they differ by more than the format explains.
        """
        raise NotImplementedError

    def signatures(self, model) -> dict:
        """Returns name -> `Signature` of what the artifact offers."""
        raise NotImplementedError

    def _manifest(self, model, directory: pathlib.Path) -> dict:
        head = model.head
        return {
            "format": self.name,
            "options": {
                option.name: getattr(self, option.name)
                for option in self.options()
            },
            "head": {"name": head.name, "config": head.get_config()},
            "sequence_length": model.sequence_length,
            "tokenizer": model.tokenizer.description(),
            "versions": {
                "python": platform.python_version(),
                "keras_bert_zoo": keras_bert_zoo.__version__,
                "tensorflow": tf.__version__,
                "keras": keras.__version__,
            },
            "signatures": {
                name: {
                    side: [
                        {
                            "name": info.name,
                            "dtype": info.dtype,
                            "shape": list(info.shape),
                            "meaning": info.meaning,
                        }
                        for info in getattr(signature, side)
                    ]
                    for side in ("inputs", "outputs")
                }
                for name, signature in self.signatures(model).items()
            },
            "files": {
                path.relative_to(directory).as_posix(): {
                    "bytes": path.stat().st_size,
                    "sha256": sha256_of(path),
                }
                for path in sorted(directory.rglob("*"))
                if path.is_file()
            },
        }


@contextlib.contextmanager
def _quiet_libraries() -> Iterator[None]:
    """Hides what is written to stderr in the block.

    For libraries that write there whatever their log level, as TFLite's
    converter does. An error that is not the user's brings it all back, and
    absl's verbosity `INFO` never hides it.
    """
    if logging.get_verbosity() >= logging.INFO:
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
