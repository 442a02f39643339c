"""Heads of Hugging Face models: equal logits, and the same files again."""

import pathlib

import numpy as np
import pytest
from checkpoint_parts import load_checkpoint
from safetensors.numpy import load_file

from keras_bert_zoo.checkpoints import write_huggingface
from keras_bert_zoo.registry import heads

RECORDED = pathlib.Path(__file__).parents[1] / "recorded/transformers"


@pytest.fixture(params=["classifier", "tagger", "question_answerer"])
def published(request):
    directory = RECORDED / request.param
    checkpoint = load_checkpoint(directory)
    head = heads.get(checkpoint.head.kind).from_weights(checkpoint.head)
    model = head.build(checkpoint.encoder)
    head.set_weights(model, checkpoint.head)
    return directory, checkpoint.encoder, head, model


def test_logits_are_those_of_transformers(published):
    directory, encoder, _, model = published
    expected = dict(np.load(directory / "outputs.npz"))
    inputs = {name: expected.pop(name) for name in encoder.input}
    logits = model(inputs)
    if not isinstance(logits, dict):
        logits = {"logits": logits}
    assert set(logits) == set(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(logits[name], values, atol=1e-5)


def test_saving_gives_the_same_weights(published, tmp_path):
    directory, encoder, head, model = published
    write_huggingface(encoder, tmp_path, heads=[head.get_weights(model)])
    expected = load_file(directory / "model.safetensors")
    written = load_file(tmp_path / "model.safetensors")
    for name, values in expected.items():
        np.testing.assert_array_equal(written[name], values)
