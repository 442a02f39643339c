"""Runs a test's program in a process of its own."""

import json
import os
import pathlib
import subprocess
import sys

TESTS = pathlib.Path(__file__).parent


def run(path: pathlib.Path, *arguments: str) -> list:
    """Returns the JSON values that a program prints, a line each."""
    folders = os.pathsep.join([str(TESTS.parent), str(TESTS)])
    done = subprocess.run(
        [sys.executable, str(path), *arguments],
        env={**os.environ, "PYTHONPATH": folders},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines()]
