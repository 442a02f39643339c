"""`bert-zoo train --strategy tpu`, on what stands for a TPU."""

import csv
import os
import pathlib
import subprocess
import sys

import pytest

from keras_bert_zoo.task.model import TaskModel

PROGRAM = pathlib.Path(__file__).with_name("on_tpu_cores.py")
TESTS = PROGRAM.parents[1]


@pytest.mark.slow
def test_a_model_is_trained_and_saved(folder, tmp_path):
    done = subprocess.run(
        [
            sys.executable,
            PROGRAM,
            "train",
            "--strategy=tpu",
            "--head=classification",
            f"--preset={folder / 'preset'}",
            f"--train={folder / 'train.tsv'}",
            f"--validation={folder / 'train.tsv'}",
            f"--out={tmp_path / 'model'}",
            "--epochs=40",
            "--batch-size=4",
            "--learning-rate=0.02",
        ],
        env={
            **os.environ,
            "TPU_CORES": "2",
            "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)]),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    with (tmp_path / "model" / "history.csv").open(newline="") as stream:
        losses = [float(row["loss"]) for row in csv.DictReader(stream)]
    assert losses[-1] < losses[0] / 2
    model = TaskModel.from_preset(tmp_path / "model")
    assert model.predict_text(["very good"])[0]["label"] == "good"
    assert not list(tmp_path.glob("*.backup"))
