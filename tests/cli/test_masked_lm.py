"""The commands on plain text: adapt an encoder, measure it, fill gaps."""

import json

import pytest

from keras_bert_zoo import presets
from keras_bert_zoo import testing
from keras_bert_zoo.task.model import TaskModel

# The commands of the tagging head are tested by default.
pytestmark = pytest.mark.slow

LINES = ["anna lives in rome", "smith lives in rome", "rome sleeps in rome"]


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("preset") / "tiny"
    tokenizer = testing.tiny_tokenizer(LINES)
    encoder = testing.tiny_encoder(len(tokenizer.vocabulary))
    presets.save_preset(encoder, tokenizer, folder)
    return folder


@pytest.fixture(scope="module")
def adapted(zoo, preset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("adapted")
    (folder / "corpus.txt").write_text("\n\n".join(LINES) + "\n")
    outcome = zoo(
        "train",
        "--head=masked_lm",
        f"--preset={preset}",
        f"--train={folder / 'corpus.txt'}",
        f"--validation={folder / 'corpus.txt'}",
        f"--out={folder / 'model'}",
        "--mask-rate=0.3",
        "--epochs=3",
        "--batch-size=2",
    )
    assert outcome.status == 0, outcome.error
    return folder, outcome


def test_training_keeps_the_epoch_of_least_perplexity(adapted):
    _, outcome = adapted
    assert "train       3 examples\n" in outcome.out
    assert "by val_perplexity: val_accuracy" in outcome.out


def test_it_evaluates(zoo, adapted):
    folder, _ = adapted
    command = (
        "evaluate",
        folder / "model",
        f"--data={folder / 'corpus.txt'}",
        "--json",
    )
    first, second = zoo(*command), zoo(*command)
    assert first.status == 0, first.error
    assert first.out == second.out
    found = json.loads(first.out)
    assert set(found) == {"num_examples", "loss", "accuracy", "perplexity"}


def test_it_fills_the_gaps_of_a_file(zoo, adapted):
    folder, _ = adapted
    (folder / "gaps.txt").write_text("[MASK] lives\nin [MASK] [MASK]\n")
    outcome = zoo("predict", folder / "model", f"--data={folder / 'gaps.txt'}")
    answers = [json.loads(line) for line in outcome.out.splitlines()]
    assert [len(answer["masks"]) for answer in answers] == [1, 2]
    assert len(answers[0]["masks"][0]["tokens"]) == 5


def test_a_line_without_a_gap_is_named(zoo, adapted):
    folder, _ = adapted
    outcome = zoo(
        "predict", folder / "model", f"--data={folder / 'corpus.txt'}"
    )
    assert outcome.status == 2
    assert "corpus.txt:1: A text to fill must hold [MASK]" in outcome.error
    assert "Traceback" not in outcome.error


@pytest.mark.parametrize(
    "format", ["saved_model", pytest.param("tflite", marks=pytest.mark.slow)]
)
def test_it_exports(zoo, adapted, format):
    folder, _ = adapted
    outcome = zoo(
        "export",
        folder / "model",
        f"--format={format}",
        f"--out={folder / format}",
    )
    assert outcome.status == 0, outcome.error


def test_the_adapted_encoder_serves_another_head(adapted):
    folder, _ = adapted
    model = TaskModel.from_preset(
        folder / "model", head="classification", labels=["x", "y"]
    )
    assert set(model.predict_text("rome")["scores"]) == {"x", "y"}


def test_labels_are_refused(zoo, preset, adapted):
    folder, _ = adapted
    outcome = zoo(
        "train",
        "--head=masked_lm",
        f"--preset={preset}",
        f"--train={folder / 'corpus.txt'}",
        f"--out={folder / 'other'}",
        "--label-column=y",
    )
    assert outcome.status == 2
    assert "'masked_lm' learns from texts alone" in outcome.error
    assert "label_column=y. Leave it out." in outcome.error
