"""Object-graph checkpoints that tf-models-official's encoders wrote."""

import json
import shutil

import model_garden_cases
import pytest
from checkpoint_parts import load_checkpoint

from keras_bert_zoo.checkpoints import model_garden
from keras_bert_zoo.checkpoints import tensorflow_files
from keras_bert_zoo.checkpoints.model_garden_names import canonical_names
from keras_bert_zoo.checkpoints.rules import Variables
from keras_bert_zoo.errors import InputError

RECORDED = model_garden_cases.RECORDED


@pytest.fixture
def recorded_layer(tmp_path):
    """A copy of a checkpoint of `BertEncoderV2`, to put a config beside."""
    return shutil.copytree(RECORDED / "layer", tmp_path / "layer")


@pytest.mark.parametrize("name", model_garden_cases.CASES)
def test_outputs_equal_the_garden(name):
    model_garden_cases.check_encoder(RECORDED / name)


def test_pretrainer_is_read():
    model_garden_cases.check_pretrainer(RECORDED / "pretrainer")


def test_losses_equal_the_garden():
    model_garden_cases.check_losses(RECORDED / "pretraining")


def test_classifier_is_read():
    model_garden_cases.check_classifier(RECORDED / "classifier")


@pytest.mark.parametrize(
    ("name", "activation"),
    [("gelu", "gelu_approximate"), ("relu", "relu")],
)
def test_config_beside_states_the_activation(recorded_layer, name, activation):
    config = {
        "vocab_size": 13,
        "hidden_size": 8,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 12,
        "max_position_embeddings": 10,
        "type_vocab_size": 2,
        "hidden_act": name,
        "hidden_dropout_prob": 0.3,
    }
    (recorded_layer / "bert_config.json").write_text(json.dumps(config))
    found = load_checkpoint(recorded_layer).encoder
    assert found.get_config()["activation"] == activation
    assert found.get_config()["dropout"] == 0.3


def test_config_of_another_size_is_refused(recorded_layer):
    config = {
        "vocab_size": 13,
        "hidden_size": 8,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "intermediate_size": 12,
    }
    (recorded_layer / "bert_config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="`num_layers` must be the check"):
        load_checkpoint(recorded_layer)


def test_another_head_does_not_block_the_encoder(recorded_layer, monkeypatch):
    variables_of = tensorflow_files.variables_of
    name = "decoder/kernel/.ATTRIBUTES/VARIABLE_VALUE"

    def with_decoder(prefix):
        found = variables_of(prefix)
        return Variables({**found.shapes, name: (3,)}, found.read)

    monkeypatch.setattr(tensorflow_files, "variables_of", with_decoder)
    assert "decoder/kernel" in load_checkpoint(recorded_layer).report.ignored
    contents = model_garden.open_source(str(recorded_layer))
    assert contents.architecture == "a head with the variables decoder/kernel"


def test_missing_config_is_noted():
    report = load_checkpoint(RECORDED / "layer").report
    assert "the model garden's defaults" in report.notes[0]


def test_layers_are_ordered_by_number():
    tables = [f"layer_with_weights-{index}/embeddings" for index in range(3)]
    query = "_attention_layer/_query_dense/kernel"
    blocks = [f"layer_with_weights-{3 + index}/{query}" for index in range(11)]
    keys = sorted(f"encoder/{name}" for name in tables + blocks)
    names = canonical_names(keys, "somewhere")
    for index, block in enumerate(blocks):
        ours = f"_transformer_layers/{index}/{query}"
        assert names[ours] == f"encoder/{block}"


def test_foreign_layer_is_refused():
    suffix = "/.ATTRIBUTES/VARIABLE_VALUE"
    block = "layer_with_weights-0/_attention_layer/_query_dense/kernel"
    keys = [block + suffix, "layer_with_weights-1/depthwise_kernel" + suffix]
    with pytest.raises(InputError, match="a layer with depthwise_kernel"):
        canonical_names([f"model/{key}" for key in keys], "somewhere")
