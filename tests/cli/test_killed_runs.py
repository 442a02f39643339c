"""The same command resumes where a process of `train` was killed."""

import csv
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from keras_bert_zoo.task.model import TaskModel

ROOT = pathlib.Path(__file__).parents[2]
EPOCHS = 40
SECONDS = 300


def start(folder, out):
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from keras_bert_zoo.cli.main import run; run()",
            "train",
            "--head=classification",
            f"--preset={folder / 'preset'}",
            f"--train={folder / 'train.tsv'}",
            f"--validation={folder / 'train.tsv'}",
            f"--out={out}",
            f"--epochs={EPOCHS}",
            "--batch-size=2",
            "--learning-rate=0.02",
            "--backup-seconds=0",
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def kill_in_training(process, backups, name):
    """Sends a signal once some steps are done; returns what was printed."""
    deadline = time.monotonic() + SECONDS
    # Of more than ten, two are left.
    while not any(
        int(path.name[-8:]) > 10 for path in backups.glob("backup-*")
    ):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(getattr(signal, name))
    return process.communicate(timeout=SECONDS)


def learned(out):
    with (out / "history.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    timed = {"seconds", "tokens_per_second"}
    return [
        {name: value for name, value in row.items() if name not in timed}
        for row in rows
    ], TaskModel.from_preset(out).get_weights()


@pytest.mark.slow
def test_sigterm_before_training_has_the_same_status(folder, tmp_path):
    process = start(folder, tmp_path / "model")
    assert process.stdout.readline().startswith("train ")
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 75
    assert errors.count("\n") == 1
    assert "run it again." in errors
    assert not (tmp_path / "model").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "status"), [("SIGTERM", 75), ("SIGKILL", -signal.SIGKILL)]
)
def test_a_killed_run_resumes(folder, tmp_path, name, status):
    process = start(folder, tmp_path / "whole")
    _, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, errors

    backups = tmp_path / "model.backup"
    process = start(folder, tmp_path / "model")
    _, errors = kill_in_training(process, backups, name)
    assert process.returncode == status
    if name == "SIGTERM":
        assert f"with a backup in {backups}; run it again." in errors
        assert "Traceback" not in errors
    assert not (tmp_path / "model").exists()

    process = start(folder, tmp_path / "model")
    printed, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, errors
    assert "resumed     after " in printed
    assert not backups.exists()
    history, weights = learned(tmp_path / "model")
    whole_history, whole_weights = learned(tmp_path / "whole")
    assert len(history) == EPOCHS
    assert history == whole_history
    for one, other in zip(weights, whole_weights, strict=True):
        np.testing.assert_array_equal(one, other)
