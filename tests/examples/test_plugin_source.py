"""The example checkpoint source reads what it says it reads."""

import importlib.util
import json
import pathlib

import keras
import numpy as np
import pytest

from keras_bert_zoo import BertEncoder
from keras_bert_zoo import BertTokenizer
from keras_bert_zoo import InputError
from keras_bert_zoo.checkpoints.rules import expand
from keras_bert_zoo.registry import checkpoint_sources
from keras_bert_zoo.testing import tiny_encoder
from keras_bert_zoo.testing import tiny_tokenizer

PLUGIN = pathlib.Path(__file__).parents[2] / "examples" / "plugin_source"


@pytest.fixture
def source():
    spec = importlib.util.spec_from_file_location(
        "numpy_bert", PLUGIN / "numpy_bert.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    checkpoint_sources.register("numpy", module)
    yield module
    checkpoint_sources.unregister("numpy")


@pytest.fixture
def tokenizer():
    return tiny_tokenizer(["a cat sat here"])


@pytest.fixture
def encoder(tokenizer):
    return tiny_encoder(len(tokenizer.vocabulary), num_layers=2)


@pytest.fixture
def checkpoint(tmp_path, source, encoder, tokenizer):
    """Writes an encoder as the format wants it."""
    variables = {v.path: np.asarray(v.value) for v in encoder.weights}
    arrays = {}
    encoder_config = encoder.get_config()
    for rule in expand(source.RULES, encoder_config["num_layers"]):
        (value,) = (v for p, v in variables.items() if p.endswith(rule.target))
        parts = np.split(value, len(rule.sources), axis=-1)
        for name, part in zip(rule.sources, parts):
            shape = rule.layout.shape(part.shape, encoder_config["num_heads"])
            arrays[name] = rule.layout.write(part, shape)
    np.savez(tmp_path / "bert.npz", **arrays)
    keys = ["vocabulary_size", "num_layers", "num_heads", "hidden_dim"]
    keys += ["intermediate_dim", "max_sequence_length"]
    config = {key: encoder_config[key] for key in keys}
    (tmp_path / "config.json").write_text(json.dumps(config), "utf-8")
    tokenizer.vocabulary.save(tmp_path / "vocab.txt")
    return tmp_path


def outputs(encoder):
    ids = np.array([[2, 5, 6, 3]], "int32")
    return encoder(
        {
            "token_ids": ids,
            "segment_ids": np.zeros_like(ids),
            "padding_mask": np.ones_like(ids),
        }
    )["pooled_output"]


def test_checkpoint_is_recognized_and_loaded(checkpoint, encoder, tokenizer):
    loaded = BertTokenizer.from_preset(checkpoint)
    assert loaded.vocabulary.tokens == tokenizer.vocabulary.tokens
    expected = keras.ops.convert_to_numpy(outputs(encoder))
    found = outputs(BertEncoder.from_preset(checkpoint))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_missing_array_is_named(checkpoint):
    arrays = dict(np.load(checkpoint / "bert.npz"))
    del arrays["1.up.bias"]
    np.savez(checkpoint / "bert.npz", **arrays)
    with pytest.raises(InputError, match="1.up.bias"):
        BertEncoder.from_preset(checkpoint)
