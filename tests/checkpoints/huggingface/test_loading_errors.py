"""Hugging Face models that are refused, and what is said of them."""

import json

import numpy as np
import pytest
from checkpoint_parts import load_checkpoint

from keras_bert_zoo.errors import InputError


@pytest.mark.parametrize(
    "names", [{"0": "no", "1": "yes"}, ["no", "yes"], {"a": "no"}, 3, {}]
)
def test_labels_of_other_rows_are_refused(model, names):
    directory = model("classifier", id2label=names)
    with pytest.raises(InputError, match="id2label.*classifier's 3 rows"):
        load_checkpoint(directory)


def test_decoder_of_its_own_is_refused(rewrite, model):
    directory = model("pretraining")
    rewrite(
        directory,
        lambda arrays: {
            **arrays,
            "cls.predictions.decoder.weight": np.ones((40, 16), "float32"),
        },
    )
    with pytest.raises(InputError, match="an output projection of its own"):
        load_checkpoint(directory)


def test_variable_under_two_names_is_refused(rewrite, model):
    directory = model()
    rewrite(
        directory,
        lambda arrays: {
            **arrays,
            "bert.pooler.dense.bias": arrays["pooler.dense.bias"],
        },
    )
    with pytest.raises(InputError, match="a variable must have one name"):
        load_checkpoint(directory)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "roberta"}, "`model_type` must be 'bert'"),
        (
            {"position_embedding_type": "relative_key"},
            "`position_embedding_type` must be 'absolute'. Received: "
            "'relative_key'",
        ),
        ({"is_decoder": True}, "`is_decoder` must be False"),
        ({"hidden_act": "mish"}, "`hidden_act` must be one of gelu, "),
        ({"hidden_size": 15}, "`num_heads` must divide `hidden_dim`"),
        ({"num_hidden_layers": 10**9}, "from 1 to 1000. Received: 1000000000"),
        ({"vocab_size": "40"}, "`vocabulary_size` must be an integer"),
    ],
)
def test_unsupported_config_is_refused(model, change, message):
    with pytest.raises(InputError, match=message):
        load_checkpoint(model(**change))


def test_missing_size_is_named(model):
    directory = model()
    path = directory / "config.json"
    config = json.loads(path.read_text())
    del config["intermediate_size"]
    path.write_text(json.dumps(config))
    with pytest.raises(InputError, match="`intermediate_size` is missing"):
        load_checkpoint(directory)


def test_vocabulary_larger_than_the_table_is_refused(model, vocabulary_tokens):
    directory = model()
    text = "\n".join(vocabulary_tokens(41))
    (directory / "vocab.txt").write_text(text + "\n")
    with pytest.raises(InputError, match="41 tokens for 40 rows"):
        load_checkpoint(directory)


def test_pickle_of_another_name_has_to_be_named(model):
    directory = model()
    (directory / "model.safetensors").rename(directory / "weights.pt")
    with pytest.raises(InputError, match="weights.pt. Name the file itself"):
        load_checkpoint(directory)


def test_directory_without_weights_lists_its_files(model):
    directory = model()
    (directory / "model.safetensors").unlink()
    with pytest.raises(InputError, match="Received: config.json, outputs.npz"):
        load_checkpoint(directory)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_weight_that_is_not_finite_is_named(rewrite, model, value):
    directory = model("classifier")
    name = "bert.encoder.layer.1.attention.self.query.weight"

    def spoil(arrays):
        arrays[name] = arrays[name].copy()
        arrays[name][0, 0] = value
        return arrays

    rewrite(directory, spoil)
    with pytest.raises(InputError, match="self.query.weight.*must hold finite"):
        load_checkpoint(directory)
