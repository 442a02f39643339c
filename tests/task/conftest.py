"""A tiny task model and a data set that it can learn."""

import keras
import pytest

from keras_bert_zoo import testing
from keras_bert_zoo.task.model import TaskModel
from task_heads.classification.head import ClassificationHead

GOOD = ["a fine film", "great plot", "fine and great", "great great film"]
BAD = ["a dull film", "weak plot", "dull and weak", "weak weak film"]
TEXTS = GOOD + BAD
LABELS = ["good"] * 4 + ["bad"] * 4


@pytest.fixture(scope="session")
def texts():
    return list(TEXTS)


@pytest.fixture(scope="session")
def labels():
    return list(LABELS)


@pytest.fixture(scope="session")
def make_model():
    def make(
        head=None,
        freeze_encoder=False,
        freeze_embeddings=False,
        sequence_length=None,
        **encoder,
    ):
        tokenizer = testing.tiny_tokenizer(TEXTS)
        keras.utils.set_random_seed(3)
        return TaskModel(
            testing.tiny_encoder(
                len(tokenizer.vocabulary),
                **{"dropout": 0.0, "attention_dropout": 0.0, **encoder},
            ),
            head or ClassificationHead(["bad", "good"], dropout=0.0),
            tokenizer,
            sequence_length=sequence_length,
            freeze_encoder=freeze_encoder,
            freeze_embeddings=freeze_embeddings,
        )

    return make
