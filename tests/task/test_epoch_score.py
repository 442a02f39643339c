import pathlib

import programs
import pytest

PROGRAM = pathlib.Path(__file__).with_name("score_on_workers.py")


@pytest.mark.slow
def test_workers_go_by_the_score_of_the_first():
    (first,), (second,) = programs.run_two_workers(PROGRAM)
    assert first["own"] != second["own"]
    assert first["told"] == second["told"] == {"val_f1": first["own"]}
    assert first["mistake"] == second["mistake"]
    assert "Received" in first["mistake"]
