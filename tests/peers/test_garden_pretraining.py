"""Files of examples go both ways between us and tf-models-official.

It lives in an environment of its own: `KBZ_GARDEN_PYTHON` names its
interpreter, `.venv-garden/bin/python` by default.
"""

import collections
import json
import os
import pathlib
import subprocess

import numpy as np
import pytest
import small_corpus
import tensorflow as tf

import keras_bert_zoo as zoo

ROOT = pathlib.Path(__file__).parents[2]
PYTHON = pathlib.Path(
    os.environ.get("KBZ_GARDEN_PYTHON", ROOT / ".venv-garden/bin/python")
)
SCRIPT = pathlib.Path(__file__).with_name("garden_pretraining.py")
LENGTH = 24

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(
        not PYTHON.exists(),
        reason="no interpreter with tf-models-official (KBZ_GARDEN_PYTHON)",
    ),
]


def run(*arguments):
    done = subprocess.run(
        [PYTHON, SCRIPT, *map(str, arguments)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture
def words(tmp_path):
    small_corpus.tokenizer().save(tmp_path / "words")
    return tmp_path / "words"


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "corpus.txt"
    texts = ["\n".join(one.sentences) for one in small_corpus.documents(30)]
    path.write_text("\n\n".join(texts) + "\n")
    return path


def test_our_files_train_there(corpus, words, tmp_path):
    out = tmp_path / "out"
    made = zoo.make_examples(
        corpus=corpus, vocabulary=words, out=out, sequence_length=LENGTH
    )
    records = tf.data.TFRecordDataset([str(p) for p in out.glob("*.tfrecord")])
    examples = [
        tf.train.Example.FromString(one).features.feature
        for one in records.as_numpy_iterator()
    ]
    num_hidden = len(examples[0]["masked_lm_ids"].int64_list.value)
    size = small_corpus.tokenizer().vocabulary_size
    found = json.loads(
        run("train", out / "*.tfrecord", LENGTH, num_hidden, size)
    )
    rows = collections.Counter(
        str(list(one["input_ids"].int64_list.value)) for one in examples
    )
    assert rows.total() == made.num_examples
    assert found["rows"] == rows
    losses = found["losses"]
    assert np.isfinite(losses).all()
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.1


@pytest.mark.parametrize("newer_keys", [0, 1])
def test_their_files_train_here(corpus, words, tmp_path, newer_keys):
    path = tmp_path / "theirs.tfrecord"
    run("make", corpus, words / "vocab.txt", path, LENGTH, newer_keys)
    result = zoo.pretrain(
        examples=[path],
        vocabulary=words,
        out=tmp_path / "model",
        num_layers=1,
        hidden_dim=16,
        sequence_length=LENGTH,
        steps=40,
        batch_size=8,
        learning_rate=1e-2,
    )
    assert result.num_examples == sum(
        1 for _ in tf.data.TFRecordDataset(str(path))
    )
    assert result.history[-1]["loss"] < result.history[0]["loss"]
