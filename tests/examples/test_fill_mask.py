"""The fill-mask example runs: here on a tiny preset, made of its words."""

import os
import pathlib
import subprocess
import sys

import pytest

from keras_bert_zoo import presets
from keras_bert_zoo import testing

ROOT = pathlib.Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


@pytest.mark.slow
def test_it_adapts_fills_and_scores(tmp_path):
    text = (EXAMPLES / "data/harbour.txt").read_text()
    tokenizer = testing.tiny_tokenizer([text])
    encoder = testing.tiny_encoder(len(tokenizer.vocabulary))
    presets.save_preset(encoder, tokenizer, tmp_path / "tiny")
    done = subprocess.run(
        [
            sys.executable,
            EXAMPLES / "fill_mask.py",
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
    assert lines[0].startswith("before  loss ")
    assert lines[1].startswith("after   loss ")
    assert lines[2].startswith("The harbour master closes the ")
    assert "[MASK]" not in lines[2]
    assert lines[-1] == (
        "ready to train: classification with the adapted encoder"
    )
