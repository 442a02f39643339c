"""The commands serve every head: files of other formats, other answers."""

import json

import pytest

from keras_bert_zoo import presets
from keras_bert_zoo import testing

CONLL = """-DOCSTART- -X- -X- O

anna NNP B-NP B-PER
smith NNP I-NP I-PER
lives VBZ B-VP O
in IN B-PP O
rome NNP B-NP B-LOC

rome NNP B-NP B-LOC
sleeps VBZ B-VP O
"""


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("preset") / "tiny"
    tokenizer = testing.tiny_tokenizer(["anna smith lives in rome sleeps"])
    encoder = testing.tiny_encoder(len(tokenizer.vocabulary))
    presets.save_preset(encoder, tokenizer, folder)
    return folder


@pytest.fixture(scope="module")
def tagger(zoo, preset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tagger")
    (folder / "train.conll").write_text(CONLL * 10)
    outcome = zoo(
        "train",
        "--head=tagging",
        f"--preset={preset}",
        f"--train={folder / 'train.conll'}",
        f"--validation={folder / 'train.conll'}",
        f"--out={folder / 'model'}",
        "--label-column=3",
        "--epochs=4",
        "--learning-rate=0.02",
        "--batch-size=2",
    )
    assert outcome.status == 0, outcome.error
    return folder


def test_a_tagger_learns_a_column_of_its_file(zoo, tagger):
    outcome = zoo(
        "evaluate",
        tagger / "model",
        f"--data={tagger / 'train.conll'}",
        "--label-column=3",
        "--json",
    )
    assert outcome.status == 0, outcome.error
    scores = json.loads(outcome.out)
    assert scores["num_rows"] == 20
    assert scores["micro"]["f1"] == scores["types"]["LOC"]["f1"] == 1.0


def test_a_tagger_answers_with_spans(zoo, tagger):
    outcome = zoo("predict", tagger / "model", "--text=rome  sleeps")
    (answer,) = map(json.loads, outcome.out.splitlines())
    assert [
        (span["text"], span["label"], span["start"], span["end"])
        for span in answer["spans"]
    ] == [("rome", "LOC", 0, 4)]


def test_a_wrong_tag_count_names_file_and_line(zoo, tagger):
    (tagger / "wrong.conll").write_text("anna NNP B-NP B-PER\nrome\n")
    outcome = zoo(
        "evaluate",
        tagger / "model",
        f"--data={tagger / 'wrong.conll'}",
        "--label-column=3",
    )
    assert outcome.status == 2
    assert "wrong.conll:2" in outcome.error
    assert "Traceback" not in outcome.error
