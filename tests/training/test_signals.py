"""SIGTERM is heard as long as it is asked for, and no longer."""

import signal
import threading

import pytest

from keras_bert_zoo.training.signals import on_sigterm


@pytest.fixture(autouse=True)
def earlier():
    """Leaves the handler of the tests' own process as it was."""
    handler = signal.getsignal(signal.SIGTERM)
    yield handler
    signal.signal(signal.SIGTERM, handler)


def test_is_told_and_gives_the_handler_back(earlier):
    told = []
    with on_sigterm(lambda: told.append(1)):
        signal.raise_signal(signal.SIGTERM)
    assert told == [1]
    assert signal.getsignal(signal.SIGTERM) is earlier


def test_gives_the_handler_back_after_an_error(earlier):
    with pytest.raises(KeyError), on_sigterm(list):
        raise KeyError
    assert signal.getsignal(signal.SIGTERM) is earlier


def test_a_handler_that_is_not_pythons_gives_way_to_the_default(monkeypatch):
    set_handler = signal.signal

    def unknown(number, handler):
        set_handler(number, handler)

    monkeypatch.setattr(signal, "signal", unknown)
    with on_sigterm(list):
        pass
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_another_thread_hears_of_none(earlier):
    found = []

    def look():
        with on_sigterm(list):
            found.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [earlier]
