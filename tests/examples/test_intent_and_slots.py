"""The example of two heads on one encoder runs, on a tiny preset."""

import os
import pathlib
import subprocess
import sys

import pytest

from keras_bert_zoo import presets
from keras_bert_zoo import testing
from keras_bert_zoo.data.readers.json_lines import RecordFile

ROOT = pathlib.Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


@pytest.mark.slow
def test_it_learns_scores_predicts_and_serves(tmp_path):
    rows = RecordFile(EXAMPLES / "data/requests_train.jsonl")
    tokenizer = testing.tiny_tokenizer([row.values["text"] for row in rows])
    encoder = testing.tiny_encoder(len(tokenizer.vocabulary))
    presets.save_preset(encoder, tokenizer, tmp_path / "tiny")
    done = subprocess.run(
        [
            sys.executable,
            EXAMPLES / "intent_and_slots.py",
            "--preset",
            tmp_path / "tiny",
            "--epochs=1",
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    (intent,) = (line for line in lines if line.startswith("intent "))
    assert 0 <= float(intent.split()[-1]) <= 1
    (total,) = (line for line in lines if line.startswith("all "))
    assert total.endswith("of 52")
    assert lines[-1].startswith("served:")
