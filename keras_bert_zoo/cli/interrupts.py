"""Ctrl-C that is noticed even where Python drops it, and SIGTERM.

`KeyboardInterrupt` is lost when it happens to be raised inside of a callback
of the interpreter, such as that of a weak reference, of which TensorFlow has
many. Loops therefore call `check`. Libraries also turn it into errors of
their own; whoever reports an error therefore asks `was_interrupted` first.

SIGTERM, by which schedulers end a process, has an exit status of its own.
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from collections.abc import Iterator
from types import FrameType

from keras_bert_zoo.errors import StoppedError

# The status of sysexits.h for what may be tried again.
STOPPED = 75

_interrupted = False


def install_handler() -> None:
    """Notes each Ctrl-C from now on, and raises `KeyboardInterrupt`."""
    global _interrupted
    _interrupted = False
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, _note)
        sys.unraisablehook = _hide_interrupts


def was_interrupted() -> bool:
    """Returns whether there was a Ctrl-C since `install_handler`."""
    return _interrupted


def check() -> None:
    """Raises `KeyboardInterrupt` if there was a Ctrl-C."""
    if _interrupted:
        raise KeyboardInterrupt


@contextlib.contextmanager
def ended_by_sigterm(
    line: str, may_skip: Callable[[], bool] = lambda: False
) -> Iterator[None]:
    """Ends the process on SIGTERM, at once and with the status `STOPPED`.

    For work that a kill at any moment does not harm.

    Args:
        line: str. Printed on stderr.
        may_skip: function that says whether what is being done now can be
            left out: then SIGTERM raises `StoppedError` there instead.
    """

    def end(number, frame):
        if may_skip():
            raise StoppedError("SIGTERM was received")
        os.write(sys.__stderr__.fileno(), f"{line}\n".encode())
        os._exit(STOPPED)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    earlier = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, earlier or signal.SIG_DFL)


def _note(number: int, frame: FrameType | None) -> None:
    global _interrupted
    _interrupted = True
    raise KeyboardInterrupt


def _hide_interrupts(unraisable) -> None:
    if not issubclass(unraisable.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)
