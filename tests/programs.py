"""Runs a test's program in a process of its own, or in two."""

import json
import os
import pathlib
import socket
import subprocess
import sys

TESTS = pathlib.Path(__file__).parent
SECONDS = 600


def run(path: pathlib.Path, *arguments: str, **environment: str) -> list:
    """Returns the JSON values that a program prints, a line each."""
    return _values(start(path, *arguments, **environment))


def run_on_tpu_cores(path: pathlib.Path, *arguments: str) -> list:
    """Returns the same with two CPUs that stand for the cores of a TPU."""
    return run(path, *arguments, TPU_CORES="2")


def run_two_workers(path: pathlib.Path, *arguments: str) -> list[list]:
    """Returns what each of two workers prints, as `run` does."""
    workers = start_two_workers(path, *arguments)
    return [_values(worker) for worker in workers]


def start_two_workers(
    path: pathlib.Path, *arguments: str
) -> list[subprocess.Popen]:
    """Starts a program as two workers that find each other."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    addresses = ["{}:{}".format(*one.getsockname()) for one in sockets]
    for one in sockets:
        one.close()
    cluster = {"worker": addresses}
    return [
        start(
            path,
            *arguments,
            TF_CONFIG=json.dumps(
                {
                    "cluster": cluster,
                    "task": {"type": "worker", "index": index},
                }
            ),
        )
        for index in range(2)
    ]


def start(
    path: pathlib.Path, *arguments: str, **environment: str
) -> subprocess.Popen:
    """Starts a program, with further variables in its environment."""
    folders = os.pathsep.join([str(TESTS.parent), str(TESTS)])
    return subprocess.Popen(
        [sys.executable, str(path), *arguments],
        env={**os.environ, "PYTHONPATH": folders, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _values(process):
    try:
        output, errors = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
    assert process.returncode == 0, errors[-3000:]
    return [json.loads(line) for line in output.splitlines()]
