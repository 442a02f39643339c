"""The example of questions runs: here on a tiny preset, made of its words."""

import importlib.util
import pathlib

import pytest

from keras_bert_zoo import presets
from keras_bert_zoo import testing
from task_heads.span_qa.files import QuestionFile

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"


@pytest.mark.slow
def test_it_learns_scores_answers_and_serves(tmp_path, capsys):
    rows = QuestionFile(EXAMPLES / "data/notices_train.json")
    tokenizer = testing.tiny_tokenizer([row.values["context"] for row in rows])
    encoder = testing.tiny_encoder(
        len(tokenizer.vocabulary), max_sequence_length=128
    )
    presets.save_preset(encoder, tokenizer, tmp_path / "tiny")
    spec = importlib.util.spec_from_file_location(
        "question_answering", EXAMPLES / "question_answering.py"
    )
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    scores = example.main(tmp_path / "tiny", epochs=1)
    assert scores["total"] > 10
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("What does a ticket cost?") for line in lines)
    assert lines[-1] == "served inputs: question, context"
