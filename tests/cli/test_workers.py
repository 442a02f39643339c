"""Workers that were not given the same command say so, in a line each."""

import json
import os
import pathlib
import socket
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
SECONDS = 300

pytestmark = pytest.mark.slow


def run_two(folder, out, *flags_of_second):
    """Returns exit status and errors of each."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    addresses = ["{}:{}".format(*one.getsockname()) for one in sockets]
    for one in sockets:
        one.close()
    workers = []
    for index, more in enumerate([(), flags_of_second]):
        task = {"type": "worker", "index": index}
        cluster = {"cluster": {"worker": addresses}, "task": task}
        workers.append(
            subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    "from keras_bert_zoo.cli.main import run; run()",
                    "train",
                    "--head=classification",
                    "--strategy=workers",
                    f"--preset={folder / 'preset'}",
                    f"--train={folder / 'train.tsv'}",
                    f"--out={out}",
                    *more,
                ],
                env={
                    **os.environ,
                    "PYTHONPATH": str(ROOT),
                    "TF_CONFIG": json.dumps(cluster),
                },
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    found = []
    try:
        for worker in workers:
            _, errors = worker.communicate(timeout=SECONDS)
            # The servers of the workers write lines of their own.
            found.append((worker.returncode, errors.splitlines()[-1]))
            assert "Traceback" not in errors
    finally:
        for worker in workers:
            worker.kill()
    assert not out.exists()
    return found


def changed(folder, tmp_path, change):
    header, *lines = (folder / "train.tsv").read_text().splitlines()
    path = tmp_path / "train.tsv"
    path.write_text("\n".join([header, *map(change, lines), ""]))
    return f"--train={path}"


def test_other_flags_are_refused(folder, tmp_path):
    first, second = run_two(folder, tmp_path / "out", "--learning-rate=0.5")
    assert first[0] == second[0] == 2
    assert "other settings on another worker" in first[1]
    assert "--learning-rate=0.5 (the first worker: " in second[1]


def test_other_labels_are_refused(folder, tmp_path):
    flag = changed(folder, tmp_path, lambda line: line + "er")
    first, second = run_two(folder, tmp_path / "out", flag)
    assert first[0] == second[0] == 2
    assert "['bader', 'gooder'] (the first worker: ['bad', " in second[1]


def test_other_rows_are_refused(folder, tmp_path):
    flag = changed(folder, tmp_path, lambda line: line.replace("fine", "fin"))
    first, second = run_two(folder, tmp_path / "out", flag)
    assert first[0] == second[0] == 2
    assert "training_rows=" in second[1]


def test_a_worker_that_never_comes_is_told_of(folder, tmp_path):
    flag = f"--train={tmp_path / 'none.tsv'}"
    first, second = run_two(folder, tmp_path / "out", flag)
    assert first[0] == 75
    assert "Another worker no longer answers" in first[1]
    assert second[0] == 2
    assert "No such file" in second[1]
