"""The tagging example runs: here on a tiny preset, made of its words."""

import os
import pathlib
import subprocess
import sys

import pytest

from keras_bert_zoo import presets
from keras_bert_zoo import testing
from task_heads.tagging.files import TaggedFile

ROOT = pathlib.Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


@pytest.mark.slow
@pytest.mark.parametrize("flags", [[], ["--crf"]], ids=["softmax", "crf"])
def test_it_learns_scores_predicts_and_serves(tmp_path, flags):
    rows = TaggedFile(EXAMPLES / "data/requests_train.jsonl")
    tokenizer = testing.tiny_tokenizer([row.values["text"] for row in rows])
    encoder = testing.tiny_encoder(len(tokenizer.vocabulary))
    presets.save_preset(encoder, tokenizer, tmp_path / "tiny")
    done = subprocess.run(
        [
            sys.executable,
            EXAMPLES / "tagging.py",
            "--preset",
            tmp_path / "tiny",
            "--epochs=1",
            *flags,
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    (total,) = (line for line in lines if line.startswith("all "))
    assert total.endswith("of 52")
    assert "Do your cups come in blue, too?" in lines
    assert lines[-1].startswith("served:")
