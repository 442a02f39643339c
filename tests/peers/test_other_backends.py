"""Layers on Keras' other backends, where TensorFlow is not installed.

`KBZ_PEERS_PYTHON` names the interpreter, `.venv-peers/bin/python` by default.
"""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
PYTHON = pathlib.Path(
    os.environ.get("KBZ_PEERS_PYTHON", ROOT / ".venv-peers/bin/python")
)

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(
        not PYTHON.exists(),
        reason="no interpreter with JAX and PyTorch (KBZ_PEERS_PYTHON)",
    ),
]


def last_line(python, program, backend):
    answer = subprocess.run(
        [python, ROOT / "tests" / program],
        env={
            **os.environ,
            "KERAS_BACKEND": backend,
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.splitlines()[-1]


def test_tensorflow_is_missing():
    missing = subprocess.run(
        [PYTHON, "-c", "import tensorflow"], capture_output=True, check=False
    )
    assert missing.returncode != 0


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_encoder_trains(backend):
    found = last_line(PYTHON, "train_encoder.py", backend)
    assert found == f"{backend} True []"


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_crf_gives_the_same(backend):
    ours = last_line(sys.executable, "crf_results.py", "tensorflow")
    others = last_line(PYTHON, "crf_results.py", backend)
    assert others.split(" ", 1) == [backend, ours.split(" ", 1)[1]]
