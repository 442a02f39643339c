"""Tiny models to export."""

import keras
import pytest

from keras_bert_zoo import testing
from keras_bert_zoo.task.model import TaskModel
from task_heads.classification.head import ClassificationHead

TEXTS = ["a fine film", "a dull film", "it's the café – weak plot!"]


def tiny_model(head=None, **encoder):
    tokenizer = testing.tiny_tokenizer([*TEXTS, "some words that go on"])
    keras.utils.set_random_seed(3)
    sizes = {"num_layers": 1, "max_sequence_length": 40, **encoder}
    model = TaskModel(
        testing.tiny_encoder(len(tokenizer.vocabulary), **sizes),
        head or ClassificationHead(["bad", "göod"]),
        tokenizer,
    )
    # Large logits, so that texts get different labels.
    kernel, bias = model.get_layer("logits").get_weights()
    model.get_layer("logits").set_weights([kernel * 200, bias])
    return model


@pytest.fixture(scope="session")
def make_model():
    return tiny_model


@pytest.fixture(scope="session")
def model():
    return tiny_model()


@pytest.fixture(scope="session")
def texts():
    return list(TEXTS)
