"""Objectives under strategies, and runs that were killed."""

import pathlib
import random
import time

import programs
import pytest

TWO_DEVICES = pathlib.Path(__file__).with_name("objectives_on_two_devices.py")
RESUMED = pathlib.Path(__file__).with_name("pretrain_and_resume.py")
NUM_KILLS = 3

every_objective = pytest.mark.parametrize(
    "objective",
    ["none", "next_sentence", "sentence_order", "replaced_tokens"],
)


def check(found):
    assert found["learned"] > 0
    assert found["replicas"] <= 2e-5


@pytest.mark.slow
@every_objective
def test_two_replicas_are_one_device(objective):
    (found,) = programs.run(TWO_DEVICES, objective)
    check(found)


@pytest.mark.slow
@pytest.mark.parametrize("pairs", ["none", "next_sentence"])
def test_two_replicas_are_one_device_on_packed_sequences(pairs):
    (found,) = programs.run(TWO_DEVICES, f"{pairs}-packed")
    check(found)


@pytest.mark.slow
@every_objective
def test_two_tpu_cores_are_one_device(objective):
    (found,) = programs.run_on_tpu_cores(TWO_DEVICES, f"{objective}-fixed")
    check(found)


@pytest.mark.slow
@every_objective
def test_two_workers_are_one_device(objective):
    for (found,) in programs.run_two_workers(TWO_DEVICES, objective):
        check(found)


@pytest.mark.slow
@every_objective
def test_a_killed_run_ends_as_one_that_was_not(objective, tmp_path):
    moments = random.Random(objective)
    (whole,) = programs.run(RESUMED, objective, str(tmp_path / "whole"))
    directory = tmp_path / "killed"

    def last():
        names = [one.name for one in directory.glob("backup-*")]
        return max((int(name.partition("-")[2]) for name in names), default=0)

    for _ in range(NUM_KILLS):
        process = programs.start(RESUMED, objective, str(directory))
        target = last() + moments.randrange(1, 6)
        while last() < target and process.poll() is None:
            time.sleep(0.01)
        time.sleep(moments.random() * 0.1)
        process.kill()
        process.communicate()
    (found,) = programs.run(RESUMED, objective, str(directory))
    assert found == whole
