"""Object-graph checkpoints, compared with tf-models-official's encoders."""

import json

import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo.checkpoints import load_checkpoint
from keras_bert_zoo.checkpoints.model_garden_names import canonical_names
from keras_bert_zoo.errors import InputError

networks = pytest.importorskip("official.nlp.modeling.networks")
models = pytest.importorskip("official.nlp.modeling.models")

SIZES = {
    "vocab_size": 13,
    "hidden_size": 8,
    "num_layers": 2,
    "num_attention_heads": 2,
    "max_sequence_length": 10,
    "type_vocab_size": 2,
    "inner_dim": 12,
}
NAMES = {
    "token_ids": "input_word_ids",
    "segment_ids": "input_type_ids",
    "padding_mask": "input_mask",
}


def randomize(model):
    generator = np.random.default_rng(4)
    for weight in model.weights:
        noise = 0.4 * generator.standard_normal(weight.shape)
        weight.assign(noise + float("gamma" in weight.name))
    return model


def layer(**options):
    model = networks.BertEncoderV2(**{**SIZES, **options})
    ones = tf.ones((1, 2), tf.int32)
    model({name: ones for name in NAMES.values()})
    return randomize(model)


def functional(**options):
    options = {**SIZES, "dict_outputs": True, **options}
    return randomize(networks.BertEncoder(**options))


def theirs(model, inputs):
    return model({NAMES[name]: value for name, value in inputs.items()})


def save(path, **objects):
    tf.train.Checkpoint(**objects).write(str(path / "model.ckpt"))
    return path


@pytest.mark.parametrize("make", [layer, functional])
@pytest.mark.parametrize(
    "options",
    [{}, {"embedding_width": 4}],
    ids=["plain", "factorised"],
)
def test_outputs_equal_the_garden(make, options, run, inputs, tmp_path):
    model = make(**options)
    expected = theirs(model, inputs)
    encoder = load_checkpoint(save(tmp_path, encoder=model)).encoder
    for name, found in run(encoder, inputs).items():
        np.testing.assert_allclose(found, expected[name], atol=1e-5)


def test_pretrainer_is_read(run, inputs, tmp_path):
    # As published: encoder and head are saved beside the model.
    encoder = functional()
    pretrainer = models.BertPretrainerV2(encoder_network=encoder)
    pretrainer(pretrainer.inputs)
    randomize(pretrainer)
    expected = theirs(encoder, inputs)["sequence_output"]
    checkpoint = load_checkpoint(
        save(tmp_path, model=pretrainer, **pretrainer.checkpoint_items)
    )
    found = run(checkpoint.encoder, inputs)["sequence_output"]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert checkpoint.head.kind == "masked_lm"
    (bias,) = [w for w in pretrainer.weights if "output_bias" in w.name]
    np.testing.assert_array_equal(checkpoint.head.weights["output_bias"], bias)


def test_classifier_is_read(run, inputs, tmp_path):
    classifier = models.BertClassifier(
        functional(dict_outputs=False), num_classes=3
    )
    randomize(classifier)
    checkpoint = load_checkpoint(save(tmp_path, model=classifier))
    pooled = run(checkpoint.encoder, inputs)["pooled_output"]
    weights = checkpoint.head.weights
    logits = pooled @ weights["kernel"] + weights["bias"]
    np.testing.assert_allclose(logits, theirs(classifier, inputs), atol=1e-5)


@pytest.mark.parametrize(
    ("name", "activation"),
    [("gelu", "gelu_approximate"), ("relu", "relu")],
)
def test_config_beside_states_the_activation(tmp_path, name, activation):
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
    (tmp_path / "bert_config.json").write_text(json.dumps(config))
    found = load_checkpoint(save(tmp_path, encoder=layer())).encoder
    assert found.get_config()["activation"] == activation
    assert found.get_config()["dropout"] == 0.3


def test_config_of_another_size_is_refused(tmp_path):
    config = {
        "vocab_size": 13,
        "hidden_size": 8,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "intermediate_size": 12,
    }
    (tmp_path / "bert_config.json").write_text(json.dumps(config))
    path = save(tmp_path, encoder=layer())
    with pytest.raises(InputError, match="`num_layers` must be the check"):
        load_checkpoint(path)


def test_missing_config_is_noted(tmp_path):
    report = load_checkpoint(save(tmp_path, encoder=layer())).report
    assert "the model garden's defaults" in report.notes[0]


def test_two_encoders_are_refused(tmp_path):
    path = save(tmp_path, left=layer(), right=layer())
    with pytest.raises(InputError, match="Received: left/, right/"):
        load_checkpoint(path)


def test_checkpoint_of_something_else_is_refused(tmp_path):
    path = save(tmp_path, step=tf.Variable(1))
    with pytest.raises(InputError, match="Received: none. Save the encoder"):
        load_checkpoint(path)


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
