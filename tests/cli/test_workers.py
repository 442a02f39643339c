"""Workers that were not given the same command say so, in a line each."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).parents[2]
SECONDS = 300

pytestmark = pytest.mark.slow


def free_addresses():
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    addresses = ["{}:{}".format(*one.getsockname()) for one in sockets]
    for one in sockets:
        one.close()
    return addresses


def wait_for_server(address, worker):
    host, port = address.split(":")
    while worker.poll() is None:
        with socket.socket() as found:
            if found.connect_ex((host, int(port))) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(worker.communicate())


def start(folder, out, addresses, index, *flags, stdout=subprocess.DEVNULL):
    task = {"type": "worker", "index": index}
    cluster = {"cluster": {"worker": addresses}, "task": task}
    return subprocess.Popen(
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
            *flags,
        ],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "TF_CONFIG": json.dumps(cluster),
        },
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_two(folder, out, *flags_of_second):
    """Returns exit status and errors of each."""
    addresses = free_addresses()
    workers = [
        start(folder, out, addresses, index, *flags)
        for index, flags in enumerate([(), flags_of_second])
    ]
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


def test_a_worker_that_waits_for_others_hears_ctrl_c(folder, tmp_path):
    addresses = free_addresses()
    worker = start(folder, tmp_path, addresses, 0, stdout=subprocess.PIPE)
    try:
        assert "waiting for all in TF_CONFIG" in worker.stdout.readline()
        # Into the call of TensorFlow in which Python hears of no signal.
        wait_for_server(addresses[0], worker)
        worker.send_signal(signal.SIGINT)
        worker.communicate(timeout=SECONDS)
    finally:
        worker.kill()
    assert worker.returncode == -signal.SIGINT


def test_sigterm_before_training_is_heard(folder, tmp_path):
    addresses = free_addresses()
    workers = [
        start(
            folder, tmp_path / "out", addresses, index, stdout=subprocess.PIPE
        )
        for index in range(2)
    ]
    try:
        second = workers[1]
        while not second.stdout.readline().startswith("train "):
            assert second.poll() is None
        second.send_signal(signal.SIGTERM)
        _, errors = second.communicate(timeout=SECONDS)
        workers[0].communicate(timeout=SECONDS)
    finally:
        for worker in workers:
            worker.kill()
    assert [worker.returncode for worker in workers] == [75, 75]
    assert "Stopped outside of training; run it again." in errors


def test_other_flags_are_refused(folder, tmp_path):
    first, second = run_two(folder, tmp_path / "out", "--learning-rate=0.5")
    assert first[0] == second[0] == 2
    assert "other settings on another worker" in first[1]
    assert "learning_rate=0.5 (the first worker: " in second[1]


def test_other_labels_are_refused(folder, tmp_path):
    flag = changed(folder, tmp_path, lambda line: line + "er")
    first, second = run_two(folder, tmp_path / "out", flag)
    assert first[0] == second[0] == 2
    assert "['bader', 'gooder'] (the first worker: ['bad', " in second[1]


def test_other_examples_are_refused(folder, tmp_path):
    flag = changed(folder, tmp_path, lambda line: line.replace("fine", "fin"))
    first, second = run_two(folder, tmp_path / "out", flag)
    assert first[0] == second[0] == 2
    assert "training_examples=" in second[1]


def test_a_worker_that_never_comes_is_reported(folder, tmp_path):
    flag = f"--train={tmp_path / 'none.tsv'}"
    first, second = run_two(folder, tmp_path / "out", flag)
    assert first[0] == 75
    assert "Another worker no longer answers" in first[1]
    assert second[0] == 2
    assert "No such file" in second[1]
