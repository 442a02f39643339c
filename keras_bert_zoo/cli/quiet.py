"""Keeps the chatter of native libraries off the terminal."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator

from absl import flags
from absl import logging

from keras_bert_zoo.errors import InputError


@contextlib.contextmanager
def quiet_libraries() -> Iterator[None]:
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
