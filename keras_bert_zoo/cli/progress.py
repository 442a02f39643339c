"""Progress on the terminal: a bar on stderr, results on stdout."""

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Callable
from collections.abc import Mapping
from typing import TextIO

from keras_bert_zoo.cli import interrupts
from keras_bert_zoo.training.callbacks.throughput import MEASURES
from keras_bert_zoo.workflows.progress import Progress

REFRESH_SECONDS = 0.1
BAR_WIDTH = 12


class ProgressBar:
    """A bar with the time left, redrawn in place.

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
        total: int | None = None,
        stream: TextIO | None = None,
        done: int = 0,
    ):
        self._label = label
        self.total = total
        self._done_before = done
        self._stream = stream or sys.stderr
        self._shown = self._stream.isatty()
        self._start = time.monotonic()
        self._drawn = 0.0

    def update(self, done: int, note: Callable[[], str] = str) -> None:
        """Draws the state after `done` units, not too often.

        Args:
            done: int.
            note: returns what else is shown; called only when it is.

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
        if self.total and done_here > 0:
            filled = round(min(done / self.total, 1.0) * BAR_WIDTH)
            bar = "#" * filled + "." * (BAR_WIDTH - filled)
            left = duration(elapsed * (self.total - done) / done_here)
            state = f"[{bar}] {done}/{self.total} eta {left}"
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


class FitProgress(Progress):
    """A bar on stderr per epoch, and a line of metrics on stdout after it.

    Args:
        unit: str. What an epoch is called.

    Attributes:
        is_saved: bool. Whether the model is.
    """

    def __init__(self, unit: str = "epoch"):
        super().__init__()
        self.is_saved = False
        self._unit = unit
        self._in_fit = False
        self._bar = None
        self._done_before = 0

    def on_note(self, topic, text):
        self.close()
        print(f"{topic:12}{text}", flush=True)
        self.check()

    def on_read(self, number, what):
        if self._bar is None:
            self._bar = ProgressBar(what)
        self._bar.update(number)

    def close(self) -> None:
        """Clears the bar, if there is one."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def on_save(self):
        self.is_saved = True

    def check(self):
        interrupts.check()

    def on_train_begin(self, logs=None):
        self._in_fit = True
        self._done_before = self.backup.step
        if self.backup.last is not None:
            self.on_note(
                "resumed",
                f"after {_counted(self.backup.epoch, self._unit)} and "
                f"{_counted(self.backup.step, 'step')}, from "
                f"{self.backup.last}",
            )

    def on_epoch_begin(self, epoch, logs=None):
        label = f"{self._unit} {epoch + 1}/{self.params['epochs']}"
        self._bar = ProgressBar(
            label, self.params["steps"], done=self._done_before
        )
        self._done_before = 0

    def on_train_batch_end(self, batch, logs=None):
        def note():
            speed = _speed(
                self.throughput.tokens_per_second,
                self.throughput.padding_fraction,
            )
            return f"loss {logs['loss']:.4f} {speed}"

        self._bar.update(batch + 1, note)

    def on_epoch_end(self, epoch, logs=None):
        self._bar.close()
        speed = _speed(logs["tokens_per_second"], logs["padding_fraction"])
        parts = [
            f"{self._unit} {epoch + 1}/{self.params['epochs']}",
            metrics_line(logs),
            speed,
            duration(logs["seconds"]),
        ]
        print("  ".join(parts), flush=True)

    def on_test_begin(self, logs=None):
        if not self._in_fit:
            self._bar = ProgressBar("evaluate", self.params["steps"])

    def on_test_batch_end(self, batch, logs=None):
        interrupts.check()
        if not self._in_fit:
            self._bar.update(batch + 1)

    def on_test_end(self, logs=None):
        if not self._in_fit:
            self._bar.close()


def metrics_line(metrics: Mapping[str, float]) -> str:
    """Returns metrics in one line."""
    shown = {k: v for k, v in metrics.items() if k not in MEASURES}
    return "  ".join(f"{name} {value:.4f}" for name, value in shown.items())


def _speed(tokens_per_second: float, padding_fraction: float) -> str:
    return f"{tokens_per_second:.0f} tokens/s {padding_fraction:.0%} padding"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


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
