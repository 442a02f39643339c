"""A tiny encoder and tokenizer to save."""

import numpy as np
import pytest

from keras_bert_zoo.encoders.bert import BertEncoder
from keras_bert_zoo.presets import save_preset
from keras_bert_zoo.tokenization.wordpiece.tokenizer import BertTokenizer
from keras_bert_zoo.tokenization.wordpiece.vocabulary import Vocabulary

TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "play", "##ing", "é"]


@pytest.fixture
def tokenizer():
    return BertTokenizer(Vocabulary(TOKENS), lowercase=False)


@pytest.fixture
def make_encoder():
    """Returns a function making an encoder with random weights."""

    def make(**options):
        sizes = {
            "vocabulary_size": 8,
            "num_layers": 2,
            "num_heads": 2,
            "hidden_dim": 8,
            "intermediate_dim": 12,
            "max_sequence_length": 10,
        }
        encoder = BertEncoder(**{**sizes, **options})
        generator = np.random.default_rng(0)
        for weight in encoder.weights:
            weight.assign(generator.standard_normal(weight.shape))
        return encoder

    return make


@pytest.fixture
def saved(make_encoder, tokenizer, tmp_path):
    save_preset(make_encoder(), tokenizer, tmp_path / "preset")
    return tmp_path / "preset"
