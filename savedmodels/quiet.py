"""Silence for native code that does not heed TensorFlow's log level."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator

_LEVEL = "TF_CPP_MIN_LOG_LEVEL"


@contextlib.contextmanager
def native_stderr() -> Iterator[None]:
    """Drops what is written to the process's stderr, unless an error follows.

    Does nothing unless TensorFlow has been told to be silent about warnings
    (`TF_CPP_MIN_LOG_LEVEL` of 2 or more).
    """
    level = os.environ.get(_LEVEL, "0")
    if not level.isdecimal() or int(level) < 2:
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as heard:
        os.dup2(heard.fileno(), 2)
        try:
            yield
        except BaseException:
            heard.seek(0)
            os.write(kept, heard.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
