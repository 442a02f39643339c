import json
import pathlib
import shutil

import pytest

from keras_bert_zoo.task.model import TaskModel

RECORDED = pathlib.Path(__file__).parents[1] / "recorded/transformers"


@pytest.fixture
def predict(zoo, folder, trained):
    return lambda *arguments: zoo("predict", folder / "model", *arguments)


def test_each_text_has_a_line_of_json(predict):
    outcome = predict("--text", "very good", "--text=bad wine")
    assert (outcome.status, outcome.error) == (0, "")
    first, second = map(json.loads, outcome.out.splitlines())
    assert set(first) == {"label", "probability", "scores"}
    assert first != second


def test_lines_follow_the_file(predict, folder):
    texts = ["fine " * n for n in (9, 1, 5, 3, 7)]
    (folder / "texts.tsv").write_text("\n".join(["text", *texts]))
    outcome = predict("--data", folder / "texts.tsv", "--batch-size=2")
    found = [json.loads(line) for line in outcome.out.splitlines()]
    expected = TaskModel.from_preset(folder / "model").predict_text(texts)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours["scores"] == pytest.approx(theirs["scores"], abs=1e-6)


def test_published_tagger_needs_no_step_between(zoo, tmp_path):
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "ada", "spoke"]
    config = {"id2label": {"0": "O", "1": "B-PER", "2": "I-PER"}}
    path = tmp_path / "published"
    shutil.copytree(RECORDED / "tagger", path)
    published = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps({**published, **config}))
    (path / "vocab.txt").write_text("\n".join([*words, ""]))
    outcome = zoo("predict", path, "--text", "Ada spoke")
    assert (outcome.status, outcome.error) == (0, "")
    answer = json.loads(outcome.out)
    assert answer["words"] == ["Ada", "spoke"]
    assert set(answer["tags"]) <= set(config["id2label"].values())


def test_answers_are_printed_as_they_are(predict, monkeypatch):
    monkeypatch.setattr(
        TaskModel,
        "iterate_answers",
        lambda *_, **__: iter([{"label": "grün 坏"}]),
    )
    assert predict("--text=fine").out == '{"label": "grün 坏"}\n'


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "one of `text` and `data`. Received: neither"),
        (["--text=a", "--data=b"], "one of `text` and `data`. Received: both"),
        (
            ["--text=a", "--text-pair=b"],
            "The model reads text (text). Received: text and text_pair",
        ),
        (["--data=absent.tsv"], "absent.tsv: No such file or directory"),
    ],
)
def test_a_wrong_call_is_reported_in_one_line(predict, arguments, message):
    outcome = predict(*arguments)
    assert outcome.status == 2
    assert message in outcome.error
    assert outcome.error.count("\n") == 1
    assert outcome.out == ""
