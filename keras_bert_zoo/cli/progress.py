"""Progress on stderr: a bar on a terminal, a line now and then elsewhere."""

import contextlib
import io
import os
import shutil
import sys
import threading
import time
import weakref
from collections.abc import Callable
from collections.abc import Mapping
from typing import TextIO

from keras_bert_zoo.cli import interrupts
from keras_bert_zoo.training.callbacks.throughput import MEASURES
from keras_bert_zoo.workflows.progress import Progress

REFRESH_SECONDS = 0.1
# How often what takes long without a word is looked at.
TICK_SECONDS = 1.0
# Off a terminal: what is faster has no line, and a log few of them.
FIRST_LINE_SECONDS = 5.0
LINE_SECONDS = 10.0
BAR_WIDTH = 12


class ProgressBar:
    """How far a piece of work is, with the time left.

    On a terminal a bar, redrawn in place. Elsewhere a line for what takes
    longer than 5 seconds, at most one in 10 seconds. Both in ASCII, and also
    while the work is in one long call.

    Args:
        label: str. What is being done.
        total: int or `None`. Units of work, where known.
        stream: where to write; stderr when `None`.
        done: int. Units that were done before.

    Attributes:
        label, total: as given; `total` may be set later.
    """

    # When the last line was written off a terminal, by whichever bar.
    last_line = -LINE_SECONDS

    def __init__(
        self,
        label: str,
        total: int | None = None,
        stream: TextIO | None = None,
        done: int = 0,
    ):
        self.label = label
        self.total = total
        self._done_before = self._done = done
        self._note = ""
        self._stream = stream or sys.stderr
        self._is_terminal = self._stream.isatty()
        self._start = time.monotonic()
        self._drawn = 0.0
        self._lock = threading.Lock()
        self._closed = threading.Event()
        threading.Thread(
            target=_keep_drawing,
            args=(weakref.ref(self), self._closed),
            daemon=True,
        ).start()

    def update(self, done: int, note: Callable[[], str] = str) -> None:
        """Shows the state after `done` units, not too often.

        Args:
            done: int.
            note: returns what else is shown; called only when it is.

        Raises:
            KeyboardInterrupt: if there was a Ctrl-C.
        """
        interrupts.check()
        self._done = done
        now = time.monotonic()
        if self._is_due(now):
            self._note = note()
            self._draw(now)

    def clear(self) -> None:
        """Clears the line, for another to be written there."""
        if self._is_terminal:
            with self._lock:
                self._redraw("")

    def close(self) -> None:
        """Ends the bar and clears its line."""
        self._closed.set()
        self.clear()

    def tick(self) -> None:
        """Shows that time passes where nothing else is heard."""
        now = time.monotonic()
        is_quiet = now - self._drawn >= TICK_SECONDS
        if is_quiet and self._is_due(now):
            self._draw(now)

    def _is_due(self, now: float) -> bool:
        if self._is_terminal:
            return now - self._drawn >= REFRESH_SECONDS
        return (
            now - self._start >= FIRST_LINE_SECONDS
            and now - ProgressBar.last_line >= LINE_SECONDS
        )

    def _draw(self, now: float) -> None:
        elapsed = now - self._start
        done, done_here = self._done, self._done - self._done_before
        state, bar = f"{done} after {duration(elapsed)}", ""
        if not done:
            state = f"for {duration(elapsed)}"
        elif self.total and done_here > 0:
            filled = round(min(done / self.total, 1.0) * BAR_WIDTH)
            bar = f"[{'#' * filled + '.' * (BAR_WIDTH - filled)}] "
            left = duration(elapsed * (self.total - done) / done_here)
            state = f"{done}/{self.total} eta {left}"
        with self._lock:
            if self._closed.is_set():
                return
            self._drawn = now
            if self._is_terminal:
                self._redraw(_ascii(f"{self.label} {bar}{state} {self._note}"))
                return
            ProgressBar.last_line = now
            line = _ascii(f"{self.label} {state} {self._note}")
            self._stream.write(f"{line}\n")
            self._stream.flush()

    def _redraw(self, line: str) -> None:
        # A line that wraps could not be drawn over.
        width = _columns(self._stream) - 1
        self._stream.write(f"\r\x1b[K{line[:width]}")
        self._stream.flush()


def _keep_drawing(bar: weakref.ref, closed: threading.Event) -> None:
    while not closed.wait(TICK_SECONDS):
        shown = bar()
        if shown is None:
            return
        # The terminal may be gone.
        with contextlib.suppress(OSError, ValueError):
            shown.tick()
        del shown


def _ascii(text: str) -> str:
    return text.rstrip().encode("ascii", "backslashreplace").decode()


class FitProgress(Progress):
    """A bar on stderr for each part of a run; a line on stdout per epoch.

    Used as a context it clears its bar at the end, whatever happens.

    Args:
        unit: str. What an epoch is called.

    Attributes:
        is_saved: bool. Whether the model is.
    """

    def __init__(self, unit: str = "epoch"):
        super().__init__()
        self.is_saved = False
        self._unit = unit
        # A file of its own, because libraries that cannot be quietened have
        # theirs turned away.
        self._stream = _twin(sys.stderr)
        self._in_fit = False
        self._epoch = ""
        self._bar = None
        self._done_before = 0

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()
        if self._stream is not sys.stderr:
            self._stream.close()

    def on_note(self, topic, text):
        self.close()
        print(f"{topic:12}{text}", flush=True)
        self.check()

    def on_work(self, what, done=0, total=None):
        if self._bar is None or self._bar.label != what:
            self._begin(what)
        self._bar.total = total
        self._bar.update(done)

    def _begin(self, label, total=None, done=0):
        self.close()
        self._bar = ProgressBar(label, total, self._stream, done)

    def clear(self) -> None:
        """Clears the bar's line, for another to be written there."""
        if self._bar is not None:
            self._bar.clear()

    def close(self) -> None:
        """Ends the bar, if there is one."""
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
        self._epoch = f"{self._unit} {epoch + 1}/{self.params['epochs']}"
        self._begin(self._epoch, self.params["steps"], self._done_before)
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
        self.close()
        speed = _speed(logs["tokens_per_second"], logs["padding_fraction"])
        parts = [
            self._epoch,
            metrics_line(logs),
            speed,
            duration(logs["seconds"]),
        ]
        print("  ".join(parts), flush=True)

    def on_train_end(self, logs=None):
        self._in_fit = False

    def on_test_begin(self, logs=None):
        # It stays until the epoch's end: whole answers may be scored, too.
        if self._in_fit:
            self._begin(f"{self._epoch} validation")

    def on_test_batch_end(self, batch, logs=None):
        interrupts.check()
        if self._bar is not None:
            self._bar.update(batch + 1)


def metrics_line(metrics: Mapping[str, float]) -> str:
    """Returns metrics in one line."""
    shown = {k: v for k, v in metrics.items() if k not in MEASURES}
    return "  ".join(f"{name} {value:.4f}" for name, value in shown.items())


def _speed(tokens_per_second: float, padding_fraction: float) -> str:
    return f"{tokens_per_second:.0f} tokens/s {padding_fraction:.0%} padding"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _twin(stream: TextIO) -> TextIO:
    """Returns another file that writes where a stream does now."""
    try:
        descriptor = os.dup(stream.fileno())
    except (OSError, io.UnsupportedOperation):
        return stream
    return open(descriptor, "w", encoding=stream.encoding, errors=stream.errors)


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
