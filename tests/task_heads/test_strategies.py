"""Every head trains on two replicas as on one device."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

PROGRAM = pathlib.Path(__file__).with_name("fit_on_two_devices.py")


@pytest.mark.slow
@pytest.mark.parametrize(
    "head",
    [
        "classification",
        "tagging",
        "crf",
        "span_qa",
        "masked_lm",
        "multi_task",
    ],
)
def test_two_replicas_are_one_device(head):
    done = subprocess.run(
        [sys.executable, str(PROGRAM), head],
        env={**os.environ, "PYTHONPATH": str(PROGRAM.parents[2])},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["learned"] > 0
    assert found["replicas"] <= 2e-5
