"""Ctrl-C that is heard even where Python drops it.

`KeyboardInterrupt` is lost when it happens to be raised inside of a callback
of the interpreter, such as that of a weak reference, of which TensorFlow has
many. Loops therefore ask again. Libraries also turn it into errors of their
own; whoever reports an error therefore asks whether it was heard.

SIGTERM, by which schedulers end a process, has a status of its own.
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

from keras_bert_zoo.errors import StoppedError

# That of sysexits.h for what may be tried again.
STOPPED = 75

_heard = False


def listen() -> None:
    """Notes each Ctrl-C from now on, and raises `KeyboardInterrupt`."""
    global _heard
    _heard = False
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, _note)
        sys.unraisablehook = _hide_interrupts


def heard() -> bool:
    """Whether there was a Ctrl-C since `listen`."""
    return _heard


def check() -> None:
    """Raises `KeyboardInterrupt` if there was a Ctrl-C since `listen`."""
    if _heard:
        raise KeyboardInterrupt


@contextlib.contextmanager
def ended_by_sigterm(line: str) -> Iterator[None]:
    """Ends the process on SIGTERM, at once and with the status `STOPPED`.

    For work that a kill at any moment does not harm.

    Args:
        line: str. Told on stderr.
    """

    def end(number, frame):
        os.write(sys.__stderr__.fileno(), f"{line}\n".encode())
        os._exit(STOPPED)

    with _on_sigterm(end):
        yield


@contextlib.contextmanager
def raised_by_sigterm() -> Iterator[None]:
    """Raises `StoppedError` on SIGTERM, for work that may be left out."""

    def stop(number, frame):
        raise StoppedError("told to stop")

    with _on_sigterm(stop):
        yield


@contextlib.contextmanager
def left_to_the_system() -> Iterator[None]:
    """Leaves both signals to whoever takes them, and has them back after.

    For calls in which the interpreter stands still, so that Python hears of
    a signal only when they are over: Ctrl-C ends the process by itself. Where
    several workers meet, TensorFlow takes SIGTERM, drops it and keeps it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = signal.SIGINT, signal.SIGTERM
    earlier = [signal.signal(number, signal.SIG_DFL) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, earlier, strict=True):
            signal.signal(number, handler or signal.SIG_DFL)


@contextlib.contextmanager
def _on_sigterm(handler):
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    earlier = signal.signal(signal.SIGTERM, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, earlier or signal.SIG_DFL)


def _note(number: int, frame: FrameType | None) -> None:
    global _heard
    _heard = True
    raise KeyboardInterrupt


def _hide_interrupts(unraisable) -> None:
    if not issubclass(unraisable.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)
