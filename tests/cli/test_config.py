"""Flags in a file, and the file that a run leaves to be repeated."""

import tomllib

import numpy as np
import pytest

from keras_bert_zoo.cli import main
from keras_bert_zoo.task.model import TaskModel


@pytest.fixture
def parse(tmp_path):
    """Returns what is parsed of a file's content and flags."""

    def run(content, *flags, verb="train"):
        path = tmp_path / "run.toml"
        path.write_text(content)
        return main.parse(["bert-zoo", verb, f"--config={path}", *flags])

    return run


WHOLE = """
head = "classification"
preset = "tiny"
train = "train.tsv"
out = "model"
"""


def test_a_file_gives_flags_of_verb_and_head(parse):
    args = parse(
        WHOLE
        + "batch-size = 4\nlearning_rate = 1\nfreeze_encoder = true\n"
        + 'pooling = "mean"\n'
    )
    assert args.head == "classification"
    assert args.batch_size == 4
    assert args.learning_rate == 1.0
    assert args.freeze_encoder is True
    assert args.pooling == "mean"
    assert not hasattr(args, "dropout")


def test_the_command_line_takes_precedence(parse):
    args = parse(
        WHOLE + 'seed = 3\noverwrite = true\npooling = "mean"\n',
        "--seed=4",
        "--no-overwrite",
        "--pooling=max",
    )
    assert (args.seed, args.overwrite, args.pooling) == (4, False, "max")


def test_the_head_on_the_command_line_has_its_flags(parse):
    args = parse(WHOLE + "crf = true\n", "--head=tagging")
    assert (args.head, args.crf) == ("tagging", True)


def test_texts_on_the_command_line_replace_those_of_the_file(parse):
    content = 'model = "dir"\ntext = ["a", "b"]\n'
    assert parse(content, verb="predict").text == ["a", "b"]
    args = parse(content, "--text=c", "other", verb="predict")
    assert (args.model, args.text) == ("other", ["c"])


@pytest.mark.parametrize(
    ("content", "facts"),
    [
        ("batch_sise = 4", ["run.toml: batch_sise is not", "batch_size"]),
        ("verb = 1", ["run.toml: verb is not an option"]),
        ("config = 'a'", ["run.toml: config is not an option"]),
        ("batch_size = '4'", ["run.toml: `batch_size`", "'4'"]),
        ("batch_size = 4.0", ["run.toml: `batch_size`", "4.0"]),
        ("seed = true", ["run.toml: `seed`", "True"]),
        ("overwrite = 1", ["run.toml: `overwrite`", "true or false"]),
        ("learning_rate = inf", ["run.toml: `learning_rate`", "inf"]),
        ("schedule = 'step'", ["run.toml: `schedule`", "polynomial"]),
        ("dropout = 'much'", ["run.toml: `dropout`", "a number"]),
        ("[run]\nseed = 1", ["run.toml: run is not an option"]),
        ("seed = {a = 1}", ["run.toml: `seed`"]),
        ("validation = ['a.tsv']", ["run.toml: `validation`", "a path"]),
        ('tensorboard = "a\\u0000"', ["run.toml: `tensorboard`", "a path"]),
        (f"seed = {'9' * 5000}", ["run.toml", "digits"]),
        (f"seed = {'[' * 5000}", ["run.toml", "recursion"]),
        ("seed = ", ["run.toml", "Invalid value"]),
    ],
)
def test_a_wrong_entry_is_reported_in_one_line(zoo, tmp_path, content, facts):
    (tmp_path / "run.toml").write_text(WHOLE + content)
    outcome = zoo("train", "--config", tmp_path / "run.toml")
    assert outcome.status == 2
    for fact in facts:
        assert fact in outcome.error
    assert outcome.error.count("\n") == 1


def test_what_the_file_lacks_is_required(zoo, tmp_path):
    (tmp_path / "run.toml").write_text('head = "classification"\n')
    outcome = zoo("train", f"--config={tmp_path / 'run.toml'}", "--out=model")
    assert outcome.status == 2
    assert "required: --preset, --train." in outcome.error


def test_a_missing_file_is_named(zoo):
    outcome = zoo("train", "--config=absent.toml")
    assert outcome.status == 2
    assert "absent.toml: No such file" in outcome.error


@pytest.mark.slow
def test_a_run_records_its_options(trained, folder):
    with open(folder / "model" / "run.toml", "rb") as stream:
        found = tomllib.load(stream)
    assert found["head"] == "classification"
    assert found["train"] == str(folder / "train.tsv")
    assert found["out"] == str(folder / "model")
    assert found["learning_rate"] == 0.05
    assert found["batch_size"] == 4
    # Those that were not given, too.
    assert found["precision"] == "float32"
    assert found["weight_decay"] == 0.01
    assert "backup_dir" not in found


@pytest.mark.slow
def test_the_record_repeats_the_run(zoo, trained, folder, tmp_path):
    out = tmp_path / "again"
    outcome = zoo(
        "train", "--config", folder / "model" / "run.toml", f"--out={out}"
    )
    assert outcome.status == 0, outcome.error
    first = TaskModel.from_preset(folder / "model").get_weights()
    second = TaskModel.from_preset(out).get_weights()
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)
