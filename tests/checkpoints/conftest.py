"""Tiny encoders and vocabularies for the checkpoint tests."""

import json
import pathlib
import shutil

import keras
import numpy as np
import pytest
import safetensors.numpy

from keras_bert_zoo.encoders.bert import BertEncoder
from keras_bert_zoo.tokenization.wordpiece.tokenizer import BertTokenizer
from keras_bert_zoo.tokenization.wordpiece.vocabulary import Vocabulary

RECORDED = pathlib.Path(__file__).parents[1] / "recorded/transformers"
SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def words(count):
    """Returns a vocabulary of that many tokens."""
    tokens = [f"w{index}" for index in range(count - len(SPECIAL_TOKENS))]
    return [*SPECIAL_TOKENS, *tokens]


@pytest.fixture
def vocabulary_tokens():
    return words


@pytest.fixture
def tokenizer():
    return BertTokenizer(Vocabulary(words(13)), lowercase=True)


@pytest.fixture
def make_encoder():
    """Returns a function making an encoder whose every weight is random."""

    def make(**options):
        sizes = {
            "vocabulary_size": 13,
            "num_layers": 2,
            "num_heads": 2,
            "hidden_dim": 8,
            "intermediate_dim": 12,
            "max_sequence_length": 10,
        }
        encoder = BertEncoder(**{**sizes, **options})
        generator = np.random.default_rng(0)
        for variable in encoder.weights:
            noise = 0.4 * generator.standard_normal(variable.shape)
            variable.assign(noise + float("gamma" in variable.path))
        return encoder

    return make


@pytest.fixture
def inputs():
    """Two rows of 6 tokens, one of them padded."""
    generator = np.random.default_rng(1)
    return {
        "token_ids": generator.integers(0, 11, (2, 6)).astype("int32"),
        "segment_ids": generator.integers(0, 2, (2, 6)).astype("int32"),
        "padding_mask": np.array([[1] * 6, [1] * 4 + [0] * 2], "int32"),
    }


@pytest.fixture
def run():
    """Returns a function from encoder and inputs to NumPy outputs."""

    def run(encoder, inputs):
        names = ("token_ids", "segment_ids", "padding_mask")
        outputs = encoder({name: inputs[name] for name in names})
        return {
            name: keras.ops.convert_to_numpy(value)
            for name, value in outputs.items()
        }

    return run


@pytest.fixture
def model(tmp_path):
    """Returns a function copying a recorded model, config changed."""

    def copy(name="two_layers", **changes):
        directory = tmp_path / name
        shutil.copytree(RECORDED / name, directory)
        path = directory / "config.json"
        config = {**json.loads(path.read_text()), **changes}
        path.write_text(json.dumps(config))
        return directory

    return copy


@pytest.fixture
def rewrite():
    """Returns a function replacing a model's arrays by `change(arrays)`."""

    def rewrite(directory, change):
        path = directory / "model.safetensors"
        arrays = change(safetensors.numpy.load_file(path))
        safetensors.numpy.save_file(arrays, path)

    return rewrite
