import fcntl
import io
import os
import pty
import struct
import termios
import time

import pytest

from keras_bert_zoo.cli import progress
from keras_bert_zoo.cli.progress import FitProgress
from keras_bert_zoo.cli.progress import ProgressBar
from keras_bert_zoo.cli.progress import duration
from savedmodels.exporter import _quiet_libraries


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


class Clock:
    """A clock that is set, in place of the time module's."""

    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr(progress.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(ProgressBar, "last_line", -100.0)


def test_fast_work_has_no_line_in_a_file(monkeypatch):
    clock = Clock(monkeypatch)
    log = io.StringIO()
    bar = ProgressBar("work", 8, log)
    clock.now = 4.9
    bar.update(7, lambda: pytest.fail("nobody sees it"))
    bar.close()
    assert log.getvalue() == ""


def test_slow_work_has_a_line_in_a_file_each_ten_seconds(monkeypatch):
    clock = Clock(monkeypatch)
    log = io.StringIO()
    bar = ProgressBar("work", 100, log)
    for done in range(1, 28):
        clock.now = float(done)
        bar.update(done, lambda: "loss 0.5")
    assert log.getvalue() == (
        "work 5/100 eta 1:35 loss 0.5\n"
        "work 15/100 eta 1:25 loss 0.5\n"
        "work 25/100 eta 1:15 loss 0.5\n"
    )


def test_short_parts_of_long_work_share_the_lines_of_a_file(monkeypatch):
    clock = Clock(monkeypatch)
    log = io.StringIO()
    for part in range(4):
        bar = ProgressBar(f"part {part}", 2, log)
        clock.now += 6.0
        bar.update(1)
        bar.close()
    assert [line[:6] for line in log.getvalue().splitlines()] == [
        "part 0",
        "part 2",
    ]


def test_one_long_call_is_seen_to_last(monkeypatch):
    monkeypatch.setattr(progress, "TICK_SECONDS", 0.02)
    monkeypatch.setattr(progress, "FIRST_LINE_SECONDS", 0.1)
    monkeypatch.setattr(ProgressBar, "last_line", -100.0)
    log = io.StringIO()
    bar = ProgressBar("exporting", None, log)
    wait_until(log.getvalue)
    bar.close()
    assert log.getvalue() == "exporting for 0 s\n"


def wait_until(holds):
    give_up = time.monotonic() + 30
    while not holds() and time.monotonic() < give_up:
        time.sleep(0.01)
    assert holds()


def test_a_closed_bar_is_not_drawn_again():
    terminal = Terminal()
    bar = ProgressBar("work", 8, terminal)
    bar.close()
    bar.update(3)
    bar.tick()
    assert terminal.getvalue() == "\r\x1b[K"


def test_progress_is_ascii(clock):
    terminal = Terminal()
    ProgressBar("caf\u00e9", 8, terminal).update(2)
    assert terminal.getvalue().isascii()


def test_what_a_workflow_does_is_shown_under_its_name(monkeypatch):
    clock = Clock(monkeypatch)
    log = io.StringIO()
    monkeypatch.setattr(progress.sys, "stderr", log)
    with FitProgress() as shown:
        shown.on_work("reading train")
        clock.now = 7.0
        shown.on_work("reading train", 3000)
        shown.on_work("predicting", 0, 12)
        clock.now = 20.0
        shown.on_work("predicting", 4, 12)
    assert log.getvalue() == (
        "reading train 3000 after 7 s\npredicting 4/12 eta 26 s\n"
    )


def test_progress_is_seen_where_libraries_are_silenced(monkeypatch, capfd):
    monkeypatch.setattr(progress, "FIRST_LINE_SECONDS", 0.0)
    monkeypatch.setattr(ProgressBar, "last_line", -100.0)
    with FitProgress() as shown, _quiet_libraries():
        os.write(2, b"a library's own words")
        shown.on_work("verifying", 1, 2)
    assert "verifying 1/2" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59, "59 s"), (65, "1:05"), (3661, "1:01:01"), (-1, "0 s")],
)
def test_duration(seconds, text):
    assert duration(seconds) == text
