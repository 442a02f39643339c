"""SIGTERM, by which schedulers end a process."""

import contextlib
import signal
import threading
from collections.abc import Callable
from collections.abc import Iterator


@contextlib.contextmanager
def told_of_sigterm(tell: Callable[[], None]) -> Iterator[None]:
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
