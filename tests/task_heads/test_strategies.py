"""Every head trains on two replicas as on one device."""

import pathlib

import programs
import pytest

PROGRAM = pathlib.Path(__file__).with_name("fit_on_two_devices.py")

every_head = pytest.mark.parametrize(
    "head",
    [
        "classification",
        "regression",
        "tagging",
        "crf",
        "span_qa",
        "masked_lm",
        "multi_task",
        "scored",
    ],
)


def check(found):
    assert found["learned"] > 0
    assert found["replicas"] <= 2e-5


@pytest.mark.slow
@every_head
def test_two_replicas_are_one_device(head):
    (found,) = programs.run(PROGRAM, head)
    check(found)


@pytest.mark.slow
@every_head
def test_two_replicas_are_one_device_on_packed_sequences(head):
    (found,) = programs.run(PROGRAM, f"{head}-packed")
    check(found)


@pytest.mark.slow
@every_head
def test_two_tpu_cores_are_one_device(head):
    (found,) = programs.run_on_tpu_cores(PROGRAM, f"{head}-fixed")
    check(found)


@pytest.mark.slow
@pytest.mark.parametrize("head", ["classification", "span_qa"])
def test_two_replicas_are_one_device_in_float16(head):
    (found,) = programs.run(PROGRAM, f"{head}-float16")
    assert found["learned"] > 0
    # Halves have 11 bits, and parts of a batch are rounded one by one.
    assert found["replicas"] <= 2e-3


@pytest.mark.slow
@every_head
def test_two_workers_are_one_device(head):
    for (found,) in programs.run_two_workers(PROGRAM, head):
        check(found)
