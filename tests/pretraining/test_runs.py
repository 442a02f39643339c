"""Objectives under strategies, and runs that were killed."""

import pathlib
import random
import time

import programs
import pytest
import small_corpus

from keras_bert_zoo.pretraining.objectives.masked_lm import MaskedLM
from keras_bert_zoo.pretraining.processes import make_shards
from keras_bert_zoo.pretraining.shards import Making

TWO_DEVICES = pathlib.Path(__file__).with_name("objectives_on_two_devices.py")
FILES = pathlib.Path(__file__).with_name("files_on_two_devices.py")
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


@pytest.fixture
def files(tmp_path):
    """Files of a few examples each."""
    making = Making(
        small_corpus.tokenizer(), MaskedLM(), 20, block_characters=400
    )
    folder = tmp_path / "files"
    make_shards(making, small_corpus.documents(12), str(folder))
    paths = sorted(map(str, folder.glob("*.tfrecord")))
    assert len(paths) > 3
    return paths


@pytest.mark.slow
def test_two_workers_share_the_examples_of_files(files):
    (one,), (other,) = programs.run_two_workers(FILES, *files)
    for found in (one, other):
        assert found["difference"] <= 2e-5
        assert sum(map(len, found["of_all"])) == found["num_examples"]
    # Each batch is parted between the two.
    assert one["of_all"] == other["of_all"]
    parts = zip(one["of_part"], other["of_part"], one["of_all"], strict=True)
    for first, second, batch in parts:
        assert first + second == batch


@pytest.mark.slow
def test_two_replicas_share_the_examples_of_files(files):
    (found,) = programs.run(FILES, *files)
    assert found["difference"] <= 2e-5
    assert found["of_part"] == found["of_all"]


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
