"""The commands serve every head: files of other formats, other answers."""

import json

import pytest
import tensorflow as tf

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
    encoder = testing.tiny_encoder(
        len(tokenizer.vocabulary), dropout=0.0, attention_dropout=0.0
    )
    presets.save_preset(encoder, tokenizer, folder)
    return folder


@pytest.fixture(scope="module")
def tagger(zoo, preset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tagger")
    (folder / "train.conll").write_text(CONLL * 20)
    (folder / "dev.conll").write_text(CONLL * 10)
    outcome = zoo(
        "train",
        "--head=tagging",
        f"--preset={preset}",
        f"--train={folder / 'train.conll'}",
        f"--out={folder / 'model'}",
        "--label-column=3",
        "--epochs=3",
        "--learning-rate=0.02",
        "--batch-size=2",
    )
    assert outcome.status == 0, outcome.error
    return folder


@pytest.mark.slow
def test_a_tagger_learns_a_column_of_its_file(zoo, tagger):
    outcome = zoo(
        "evaluate",
        tagger / "model",
        f"--data={tagger / 'dev.conll'}",
        "--label-column=3",
        "--json",
    )
    assert outcome.status == 0, outcome.error
    scores = json.loads(outcome.out)
    assert scores["num_examples"] == 20
    assert scores["micro"]["f1"] == scores["types"]["LOC"]["f1"] == 1.0


@pytest.mark.slow
def test_a_tagger_answers_with_spans(zoo, tagger):
    outcome = zoo("predict", tagger / "model", "--text=rome  sleeps")
    (answer,) = map(json.loads, outcome.out.splitlines())
    assert [
        (span["text"], span["label"], span["start"], span["end"])
        for span in answer["spans"]
    ] == [("rome", "LOC", 0, 4)]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["saved_model", "tflite"])
def test_a_tagger_is_exported(zoo, tagger, form):
    out = tagger / form
    outcome = zoo(
        "export", tagger / "model", f"--format={form}", f"--out={out}"
    )
    assert outcome.status == 0, outcome.error
    assert "verified" in outcome.out
    if form == "tflite":
        assert (out / "model.tflite").is_file()
        return
    served = tf.saved_model.load(str(out)).signatures["serving_default"]
    # An emoji and a letter with an accent: bytes are more than characters.
    found = served(text=tf.constant(["é😀 rome sleeps", "sleeps"]))
    # The first word, unknown, may be a span too.
    place = found["span"].numpy()[0].tolist().index(b"rome")
    assert place < found["num_spans"][0] and found["num_spans"][1] == 0
    assert found["label"].numpy()[0, place] == b"LOC"
    places = ("char_start", "char_end", "byte_start", "byte_end")
    assert [found[name][0, place] for name in places] == [3, 7, 7, 11]


def test_tags_that_break_their_scheme_are_refused_when_asked(
    zoo, preset, tmp_path
):
    (tmp_path / "odd.conll").write_text("anna I-PER\nrome B-LOC\n")
    outcome = zoo(
        "train",
        "--head=tagging",
        "--strict",
        "--scheme=IOB2",
        f"--preset={preset}",
        f"--train={tmp_path / 'odd.conll'}",
        f"--out={tmp_path / 'model'}",
    )
    assert outcome.status == 2
    assert "odd.conll:1" in outcome.error
    assert "must follow the scheme IOB2. Received: I-PER B-LOC" in outcome.error


@pytest.mark.slow
def test_heads_that_share_an_encoder_are_served(zoo, preset, tmp_path):
    lines = [
        {
            "text": "anna lives in rome",
            "intent": "live",
            "slots": [[14, 18, "p"]],
        },
        {"text": "rome sleeps", "intent": "sleep", "slots": [[0, 4, "p"]]},
    ]
    (tmp_path / "train.jsonl").write_text(
        "\n".join(map(json.dumps, lines * 10)) + "\n"
    )
    outcome = zoo(
        "train",
        "--head=multi_task",
        "--heads=intent=classification,slots=tagging",
        f"--preset={preset}",
        f"--train={tmp_path / 'train.jsonl'}",
        f"--validation={tmp_path / 'train.jsonl'}",
        f"--out={tmp_path / 'model'}",
        "--epochs=6",
        "--learning-rate=0.02",
        "--batch-size=4",
    )
    assert outcome.status == 0, outcome.error
    evaluated = zoo(
        "evaluate",
        tmp_path / "model",
        f"--data={tmp_path / 'train.jsonl'}",
        "--json",
    )
    assert evaluated.status == 0, evaluated.error
    assert json.loads(evaluated.out)["num_examples"] == 20
    predicted = zoo("predict", tmp_path / "model", "--text=rome sleeps")
    (answer,) = map(json.loads, predicted.out.splitlines())
    assert answer["intent"]["label"] == "sleep"
    assert [span["text"] for span in answer["slots"]["spans"]] == ["rome"]
    exported = zoo(
        "export",
        tmp_path / "model",
        "--format=saved_model",
        f"--out={tmp_path / 'served'}",
    )
    assert exported.status == 0, exported.error


@pytest.mark.slow
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
