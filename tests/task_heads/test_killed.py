"""Runs killed at moments of their own end as one that was not."""

import pathlib
import random
import time

import every_head
import programs
import pytest

PROGRAM = pathlib.Path(__file__).with_name("fit_and_resume.py")
# Of each run: 42 in all.
NUM_KILLS = 4
NUM_KILLS_OF_WORKERS = 3


def last_backup(directory):
    names = [one.name for one in directory.glob("backup-*")]
    return max((int(name.partition("-")[2]) for name in names), default=0)


def killed(processes, directory, moments):
    """Kills processes, one after the other, a few backups further on."""
    target = last_backup(directory) + moments.randrange(1, 4)
    while last_backup(directory) < target:
        # One that has ended has nothing to lose.
        if any(one.poll() is not None for one in processes):
            break
        time.sleep(0.01)
    for process in moments.sample(processes, len(processes)):
        # Before, while or after a backup is written.
        time.sleep(moments.random() * 0.1)
        process.kill()
        process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("head", every_head.HEADS)
def test_a_killed_run_ends_as_one_that_was_not(head, tmp_path):
    moments = random.Random(head)
    (whole,) = programs.run(PROGRAM, head, str(tmp_path / "whole"))
    directory = tmp_path / "killed"
    for _ in range(NUM_KILLS):
        process = programs.start(PROGRAM, head, str(directory))
        killed([process], directory, moments)
    (found,) = programs.run(PROGRAM, head, str(directory))
    assert found == whole


@pytest.mark.slow
@pytest.mark.parametrize("head", ["tags", "several tasks"])
def test_killed_workers_end_as_those_that_were_not(head, tmp_path):
    moments = random.Random(head)
    whole = programs.run_two_workers(PROGRAM, head, str(tmp_path / "whole"))
    directory = tmp_path / "killed"
    for _ in range(NUM_KILLS_OF_WORKERS):
        workers = programs.start_two_workers(PROGRAM, head, str(directory))
        killed(workers, directory, moments)
    assert programs.run_two_workers(PROGRAM, head, str(directory)) == whole
