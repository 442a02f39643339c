"""Every head trains on two replicas as on one device."""

import pathlib

import programs
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
    (found,) = programs.run(PROGRAM, head)
    assert found["learned"] > 0
    assert found["replicas"] <= 2e-5
