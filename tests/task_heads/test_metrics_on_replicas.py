"""Metrics of several replicas are those of one device."""

import pathlib

import programs
import pytest

PROGRAM = pathlib.Path(__file__).with_name("metrics_on_two_devices.py")


def check(found):
    for correlation, expected in found:
        assert correlation == pytest.approx(expected, abs=1e-5)


@pytest.mark.slow
def test_two_replicas_correlate_as_numpy_does():
    (found,) = programs.run(PROGRAM, "pearson")
    check(found)


@pytest.mark.slow
def test_two_tpu_cores_correlate_as_numpy_does():
    (found,) = programs.run_on_tpu_cores(PROGRAM, "pearson")
    check(found)


@pytest.mark.slow
def test_two_workers_correlate_as_numpy_does():
    for (found,) in programs.run_two_workers(PROGRAM, "pearson"):
        check(found)


@pytest.mark.slow
@pytest.mark.parametrize(
    "head", ["single_label", "multi_label", "regression", "multi_task"]
)
def test_two_replicas_measure_a_head_as_one_device(head):
    (found,) = programs.run(PROGRAM, head)
    assert sorted(found["one"]) == sorted(found["two"])
    for name, values in found["one"].items():
        assert found["two"][name] == pytest.approx(
            values, rel=1e-5, abs=1e-6
        ), name
