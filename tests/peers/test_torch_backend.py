"""The encoder on Keras' PyTorch backend, where TensorFlow is not installed.

`KBZ_PEERS_PYTHON` names the interpreter, `.venv-peers/bin/python` by default.
"""

import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[2]
PYTHON = pathlib.Path(
    os.environ.get("KBZ_PEERS_PYTHON", ROOT / ".venv-peers/bin/python")
)

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(
        not PYTHON.exists(),
        reason="no interpreter with PyTorch (KBZ_PEERS_PYTHON)",
    ),
]


def test_trains_on_pytorch_without_tensorflow():
    environment = {
        **os.environ,
        "KERAS_BACKEND": "torch",
        "PYTHONPATH": str(ROOT),
    }
    missing = subprocess.run(
        [PYTHON, "-c", "import tensorflow"], capture_output=True, check=False
    )
    result = subprocess.run(
        [PYTHON, ROOT / "tests/train_encoder.py"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert missing.returncode != 0
    assert result.stdout.split("\n")[-2] == "torch True []", result.stderr
