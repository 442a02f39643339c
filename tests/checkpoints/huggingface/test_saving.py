"""Models written for `transformers`; `tests/peers` loads them there."""

import json
import pathlib

import numpy as np
import pytest
import safetensors.numpy
from checkpoint_parts import load_checkpoint

from keras_bert_zoo.checkpoints import HeadWeights
from keras_bert_zoo.checkpoints import has_published_class
from keras_bert_zoo.checkpoints import write_huggingface

RECORDED = pathlib.Path(__file__).parents[2] / "recorded/transformers"
GENERATOR = np.random.default_rng(2)


def head(kind="classification", labels=("no", "yes")):
    count = len(labels) or 1
    weights = {
        "kernel": GENERATOR.standard_normal((8, count)).astype("float32"),
        "bias": GENERATOR.standard_normal(count).astype("float32"),
    }
    return HeadWeights(kind, list(labels), weights, {})


def masked_lm():
    shapes = {
        "transform_kernel": (8, 8),
        "transform_bias": (8,),
        "layer_norm/gamma": (8,),
        "layer_norm/beta": (8,),
        "output_bias": (13,),
    }
    weights = {
        name: GENERATOR.standard_normal(shape).astype("float32")
        for name, shape in shapes.items()
    }
    return HeadWeights("masked_lm", [], weights, {})


def next_sentence():
    return head("next_sentence", ("0", "1"))._replace(labels=[])


def config_of(directory):
    return json.loads((directory / "config.json").read_text())


@pytest.mark.parametrize(
    "weights",
    [
        head(kind="classification", labels=("no", "maybe", "yes")),
        head(labels=("a", "b")),
        head("tagging", ("O", "B-X", "I-X")),
        head("span_qa", ("0", "1"))._replace(labels=[]),
        masked_lm(),
    ],
    ids=lambda weights: weights.kind,
)
def test_head_round_trip(make_encoder, tmp_path, weights):
    encoder = make_encoder()
    assert has_published_class(encoder, weights)
    write_huggingface(encoder, tmp_path, heads=[weights])
    found = load_checkpoint(tmp_path).head
    assert (found.kind, found.labels) == (weights.kind, weights.labels)
    assert set(found.weights) == set(weights.weights)
    for name, array in weights.weights.items():
        np.testing.assert_array_equal(found.weights[name], array)


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (("a", "b"), "single_label"),
        (("a", "b"), "multi_label"),
        ((), "regression"),
    ],
)
def test_kind_of_classification_round_trip(
    make_encoder, tmp_path, labels, kind
):
    weights = head(labels=labels)._replace(config={"kind": kind})
    write_huggingface(make_encoder(), tmp_path, heads=[weights])
    found = load_checkpoint(tmp_path).head
    assert (tuple(found.labels), found.config) == (labels, {"kind": kind})


def test_both_pretraining_heads_round_trip(make_encoder, tmp_path):
    heads = [masked_lm(), next_sentence()]
    write_huggingface(make_encoder(), tmp_path, heads=heads)
    found = load_checkpoint(tmp_path).heads
    assert [head.kind for head in found] == ["masked_lm", "next_sentence"]
    assert config_of(tmp_path)["architectures"] == ["BertForPreTraining"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("two_layers", None),
        ("classifier", "classification"),
        ("tagger", "tagging"),
        ("question_answerer", "span_qa"),
        ("masked_lm", "masked_lm"),
        ("pretraining", "pretraining"),
    ],
)
def test_written_model_is_the_published_one(tmp_path, name, kind):
    """Names, shapes, types and values are those that transformers wrote."""
    checkpoint = load_checkpoint(RECORDED / name)
    write_huggingface(checkpoint.encoder, tmp_path, heads=checkpoint.heads)
    expected = safetensors.numpy.load_file(
        RECORDED / name / "model.safetensors"
    )
    found = safetensors.numpy.load_file(tmp_path / "model.safetensors")
    assert set(found) == set(expected)
    for key, array in expected.items():
        assert found[key].dtype == array.dtype
        np.testing.assert_array_equal(found[key], array, err_msg=key)
    published, written = config_of(RECORDED / name), config_of(tmp_path)
    for key in set(published) & set(written) - {"label2id", "hidden_act"}:
        assert written[key] == published[key], key


def test_names_for_transformers_are_stated(make_encoder, tmp_path):
    write_huggingface(make_encoder(), tmp_path, heads=[head("tagging", "OX")])
    config = config_of(tmp_path)
    assert config["architectures"] == ["BertForTokenClassification"]
    assert config["id2label"] == {"0": "O", "1": "X"}
    assert config["label2id"] == {"O": 0, "X": 1}


@pytest.mark.parametrize(
    "options",
    [{"embedding_dim": 4}, {"share_layers": True}, {"position_offset": 2}],
    ids=str,
)
def test_encoder_without_equal_claims_no_published_type(
    make_encoder, tmp_path, options
):
    encoder = make_encoder(**options)
    assert not has_published_class(encoder, head())
    write_huggingface(encoder, tmp_path)
    config = config_of(tmp_path)
    assert config["model_type"] == "keras_bert_zoo"
    assert "architectures" not in config


@pytest.mark.parametrize(
    ("options", "weights"),
    [
        ({"use_pooler": False}, head()),
        ({"hidden_dim": 4}, head()),
        ({}, head("stars")),
    ],
    ids=["no pooler", "another width", "another kind"],
)
def test_head_without_equal_has_no_published_class(
    make_encoder, options, weights
):
    assert not has_published_class(make_encoder(**options), weights)


def test_others_may_read_the_file(make_encoder, tmp_path):
    (tmp_path / "usual").touch()
    write_huggingface(make_encoder(), tmp_path)
    modes = [
        (tmp_path / name).stat().st_mode
        for name in ("usual", "config.json", "model.safetensors")
    ]
    assert len(set(modes)) == 1
