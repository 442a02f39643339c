import contextlib
import signal
import sys

import pytest

from keras_bert_zoo.cli import interrupts


@pytest.fixture(autouse=True)
def handler():
    handler = signal.getsignal(signal.SIGINT)
    hook = sys.unraisablehook
    interrupts.install_handler()
    yield
    signal.signal(signal.SIGINT, handler)
    sys.unraisablehook = hook
    interrupts._interrupted = False


def test_nothing_is_raised_without_an_interrupt():
    interrupts.check()


def test_an_interrupt_is_noted():
    assert not interrupts.was_interrupted()
    with contextlib.suppress(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert interrupts.was_interrupted()


def test_an_interrupt_is_raised_at_once():
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_an_interrupt_that_was_dropped_is_raised_again(capfd):
    class Dropper:
        def __del__(self):
            signal.raise_signal(signal.SIGINT)

    dropper = Dropper()
    del dropper
    with pytest.raises(KeyboardInterrupt):
        interrupts.check()
    assert capfd.readouterr().err == ""


def test_other_dropped_errors_are_still_reported(capfd):
    class Dropper:
        def __del__(self):
            raise RuntimeError("dropped")

    dropper = Dropper()
    sys.unraisablehook = interrupts._hide_interrupts
    del dropper
    assert "RuntimeError: dropped" in capfd.readouterr().err
