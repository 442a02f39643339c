"""Signals by which a process is ended: SIGTERM and SIGINT."""

import contextlib
import signal
import threading
from collections.abc import Callable
from collections.abc import Iterator


@contextlib.contextmanager
def on_sigterm(tell: Callable[[], None]) -> Iterator[None]:
    """Has a function called on SIGTERM, in place of what it does otherwise.

    Outside of the main thread, where Python hears of no signal, nothing is
    changed.

    Args:
        tell: function without arguments.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    earlier = signal.signal(signal.SIGTERM, lambda number, frame: tell())
    try:
        yield
    finally:
        # A handler that was not made in Python is unknown to it, and cannot
        # be given back; to end the process is better than to swallow it.
        signal.signal(
            signal.SIGTERM, signal.SIG_DFL if earlier is None else earlier
        )


@contextlib.contextmanager
def default_signal_handlers() -> Iterator[None]:
    """Leaves SIGINT and SIGTERM to the system, and restores them after.

    For calls during which the interpreter does not run, so that Python would
    handle a signal only when they are over: Ctrl-C ends the process. Where
    several workers meet, TensorFlow replaces the handler of SIGTERM by one
    that drops it, and keeps it.
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
