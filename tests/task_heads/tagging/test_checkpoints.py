"""Taggers of google-research/bert, whose files do not say that they are."""

import dataclasses
import pathlib

import numpy as np
import pytest

from keras_bert_zoo import feature_names
from keras_bert_zoo.checkpoints import load_checkpoint
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task.files import task_from_checkpoint
from keras_bert_zoo.task.model import TaskModel
from keras_bert_zoo.tokenization import Vocabulary
from keras_bert_zoo.tokenization.wordpiece.tokenizer import BertTokenizer
from task_heads.tagging.head import TaggingHead

RECORDED = pathlib.Path(__file__).parents[2] / "recorded/transformers/tagger"


@pytest.fixture(scope="module")
def checkpoint():
    """A tagger as the published format leaves it: a classifier's variables."""
    found = load_checkpoint(RECORDED)
    head = found.head._replace(
        kind="classification",
        labels=[f"LABEL_{n}" for n in range(len(found.head.labels))],
    )
    tokens = [f"w{n}" for n in range(found.encoder.vocabulary_size)]
    tokens[:5] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = BertTokenizer(Vocabulary(tokens), True)
    return dataclasses.replace(found, heads=(head,), tokenizer=tokenizer)


def test_a_taggers_head_takes_the_weights(checkpoint):
    labels = load_checkpoint(RECORDED).head.labels
    head = TaggingHead(labels, scheme="none")
    model = task_from_checkpoint(TaskModel, checkpoint, head)
    recorded = np.load(RECORDED / "outputs.npz")
    inputs = {name: recorded[name] for name in feature_names.ENCODER_INPUTS}
    np.testing.assert_allclose(model(inputs), recorded["logits"], atol=1e-5)


def test_as_many_labels_as_the_weights_have_are_wanted(checkpoint):
    with pytest.raises(InputError, match="a row for each label. Received: "):
        task_from_checkpoint(TaskModel, checkpoint, TaggingHead(["O", "B-x"]))
