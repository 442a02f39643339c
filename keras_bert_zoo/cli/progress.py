"""One line on stderr that says how far the work is."""

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Callable
from typing import TextIO

from keras_bert_zoo.cli import interrupts

REFRESH_SECONDS = 0.1
BAR_WIDTH = 12


class ProgressBar:
    """A bar with the time that is left, redrawn in place.

    Draws on terminals only, so that logs and pipes stay clean.

    Args:
        label: str. What is being done.
        total: int or `None`. Units of work, where known.
        stream: where to draw; stderr when `None`.
        done: int. Units that were done before.
    """

    def __init__(
        self,
        label: str,
        total: int | None,
        stream: TextIO | None = None,
        done: int = 0,
    ):
        self._label = label
        self._total = total
        self._done_before = done
        self._stream = stream or sys.stderr
        self._shown = self._stream.isatty()
        self._start = time.monotonic()
        self._drawn = 0.0

    def update(self, done: int, note: Callable[[], str] = str) -> None:
        """Draws the state after `done` units, not too often.

        Args:
            done: int.
            note: says what else is to be shown; asked only when it is.

        Raises:
            KeyboardInterrupt: if there was a Ctrl-C.
        """
        interrupts.check()
        now = time.monotonic()
        if not self._shown or now - self._drawn < REFRESH_SECONDS:
            return
        self._drawn = now
        elapsed = now - self._start
        done_here = done - self._done_before
        if self._total and done_here > 0:
            share = min(done / self._total, 1.0)
            filled = round(share * BAR_WIDTH)
            bar = "#" * filled + "." * (BAR_WIDTH - filled)
            left = duration(elapsed * (self._total - done) / done_here)
            state = f"[{bar}] {done}/{self._total} eta {left}"
        else:
            state = f"{done} after {duration(elapsed)}"
        self._write(f"{self._label} {state} {note()}".rstrip())

    def close(self) -> None:
        """Clears the line."""
        if self._shown:
            self._write("")

    def _write(self, line: str) -> None:
        # A line that wraps could not be drawn over.
        width = _columns(self._stream) - 1
        self._stream.write(f"\r\x1b[K{line[:width]}")
        self._stream.flush()


def _columns(stream: TextIO) -> int:
    found = 0
    if "COLUMNS" not in os.environ:
        # `shutil` asks how wide stdout is, which may be a pipe.
        with contextlib.suppress(OSError):
            found = os.get_terminal_size(stream.fileno()).columns
    return found or shutil.get_terminal_size().columns


def duration(seconds: float) -> str:
    """Returns a time such as `42 s`, `3:05` (min:s) or `1:02:03`."""
    seconds = max(round(seconds), 0)
    if seconds < 60:
        return f"{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{seconds:02}"
    return f"{minutes}:{seconds:02}"
