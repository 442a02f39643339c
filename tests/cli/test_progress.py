import fcntl
import io
import os
import pty
import struct
import termios

import pytest

from keras_bert_zoo.cli import progress
from keras_bert_zoo.cli.progress import ProgressBar
from keras_bert_zoo.cli.progress import duration


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    times = iter([0.0, 30.0, 30.05, 40.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(times))


def test_bar_shows_fraction_and_time_left(clock):
    terminal = Terminal()
    bar = ProgressBar("epoch 1/2", 8, terminal)
    bar.update(2, lambda: "loss 0.5")
    assert terminal.getvalue() == (
        "\r\x1b[Kepoch 1/2 [###.........] 2/8 eta 1:30 loss 0.5"
    )


def test_time_left_counts_what_was_done_here(clock):
    terminal = Terminal()
    bar = ProgressBar("epoch 1/2", 8, terminal, done=2)
    bar.update(4)
    assert "4/8 eta 1:00" in terminal.getvalue()


def test_a_line_never_wraps(clock, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    terminal = Terminal()
    ProgressBar("work", 8, terminal).update(2, lambda: "x" * 80)
    assert len(terminal.getvalue()) == len("\r\x1b[K") + 39


def test_a_line_never_wraps_where_stdout_is_no_terminal(clock, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    reader, writer = pty.openpty()
    size = struct.pack("HHHH", 24, 40, 0, 0)
    fcntl.ioctl(writer, termios.TIOCSWINSZ, size)
    with open(writer, "w") as terminal:
        ProgressBar("work", 8, terminal).update(2, lambda: "x" * 80)
        drawn = os.read(reader, 1000)
    os.close(reader)
    assert len(drawn) == len("\r\x1b[K") + 39


def test_bar_is_not_drawn_too_often(clock):
    terminal = Terminal()
    bar = ProgressBar("work", 8, terminal)
    bar.update(1)
    bar.update(2)
    assert "2/8" not in terminal.getvalue()
    bar.update(3)
    assert "3/8" in terminal.getvalue()


def test_bar_without_a_total_counts(clock):
    terminal = Terminal()
    ProgressBar("work", None, terminal).update(5)
    assert terminal.getvalue() == "\r\x1b[Kwork 5 after 30 s"


def test_close_clears_the_line():
    terminal = Terminal()
    ProgressBar("work", 8, terminal).close()
    assert terminal.getvalue() == "\r\x1b[K"


def test_nothing_is_drawn_into_a_file():
    log = io.StringIO()
    bar = ProgressBar("work", 8, log)
    bar.update(1, lambda: pytest.fail("nobody sees it"))
    bar.close()
    assert log.getvalue() == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59, "59 s"), (65, "1:05"), (3661, "1:01:01"), (-1, "0 s")],
)
def test_duration(seconds, text):
    assert duration(seconds) == text
