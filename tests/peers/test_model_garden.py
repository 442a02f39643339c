"""Live comparison with the encoders of tf-models-official.

It lives in an environment of its own: `KBZ_GARDEN_PYTHON` names its
interpreter, `.venv-garden/bin/python` by default.
"""

import os
import pathlib
import subprocess

import model_garden_cases
import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[2]
PYTHON = pathlib.Path(
    os.environ.get("KBZ_GARDEN_PYTHON", ROOT / ".venv-garden/bin/python")
)
SCRIPT = ROOT / "benchmarks/peers/record_model_garden.py"

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(
        not PYTHON.exists(),
        reason="no interpreter with tf-models-official (KBZ_GARDEN_PYTHON)",
    ),
]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """Checkpoints that the model garden has just written."""
    directory = tmp_path_factory.mktemp("fresh")
    subprocess.run([PYTHON, SCRIPT, directory], check=True, capture_output=True)
    return directory / "model_garden"


@pytest.mark.parametrize("name", model_garden_cases.CASES)
def test_outputs_equal_the_garden(fresh, name):
    model_garden_cases.check_encoder(fresh / name)


def test_pretrainer_is_read(fresh):
    model_garden_cases.check_pretrainer(fresh / "pretrainer")


def test_losses_equal_the_garden(fresh):
    model_garden_cases.check_losses(fresh / "pretraining")


def test_classifier_is_read(fresh):
    model_garden_cases.check_classifier(fresh / "classifier")


@pytest.mark.parametrize("name", model_garden_cases.CASES)
def test_recording_again_gives_the_same(fresh, name):
    again = np.load(fresh / name / "outputs.npz")
    recorded = np.load(model_garden_cases.RECORDED / name / "outputs.npz")
    assert set(again) == set(recorded)
    for key in again:
        np.testing.assert_allclose(again[key], recorded[key], atol=1e-5)
