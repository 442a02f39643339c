"""Models written for `transformers`; `tests/peers` loads them there."""

import json

import numpy as np
import pytest
import safetensors.numpy

from keras_bert_zoo.checkpoints import HeadWeights
from keras_bert_zoo.checkpoints import load_checkpoint
from keras_bert_zoo.checkpoints import save_huggingface
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.tokenization.wordpiece.tokenizer import BertTokenizer
from keras_bert_zoo.tokenization.wordpiece.vocabulary import Vocabulary

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


def assert_same_weights(left, right):
    assert [weight.path for weight in left.weights] == [
        weight.path for weight in right.weights
    ]
    for expected, found in zip(left.weights, right.weights):
        np.testing.assert_array_equal(found, expected, err_msg=found.path)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"num_heads": 4, "num_layers": 1},
        {"use_pooler": False},
        {"activation": "gelu_approximate", "layer_norm_epsilon": 1e-3},
        {"activation": "relu", "num_segments": 3, "dropout": 0.25},
    ],
    ids=str,
)
def test_encoder_round_trip(make_encoder, tokenizer, tmp_path, options):
    encoder = make_encoder(**options)
    save_huggingface(encoder, tokenizer, tmp_path / "model")
    found = load_checkpoint(tmp_path / "model")
    assert_same_weights(encoder, found.encoder)
    expected = {**encoder.get_config(), "name": found.encoder.name}
    assert found.encoder.get_config() == expected
    assert found.tokenizer.vocabulary == tokenizer.vocabulary
    assert found.report.ignored == ()


@pytest.mark.parametrize("lowercase", [True, False])
@pytest.mark.parametrize("strip_accents", [None, True, False])
def test_tokenizer_round_trip(
    make_encoder, vocabulary_tokens, tmp_path, lowercase, strip_accents
):
    tokens = ["<pad>", "<unk>", *vocabulary_tokens(13)[2:]]
    vocabulary = Vocabulary(tokens, padding="<pad>", unknown="<unk>")
    tokenizer = BertTokenizer(vocabulary, lowercase, strip_accents)
    save_huggingface(make_encoder(), tokenizer, tmp_path / "model")
    found = load_checkpoint(tmp_path / "model").tokenizer
    assert found.vocabulary == vocabulary
    assert found.lowercase is lowercase
    assert found.strip_accents is strip_accents


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
    save_huggingface(make_encoder(), None, tmp_path / "model", head=weights)
    found = load_checkpoint(tmp_path / "model").head
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
    save_huggingface(make_encoder(), None, tmp_path / "model", head=weights)
    found = load_checkpoint(tmp_path / "model").head
    assert (tuple(found.labels), found.config) == (labels, {"kind": kind})


def test_both_pretraining_heads_round_trip(make_encoder, tmp_path):
    heads = [masked_lm(), next_sentence()]
    save_huggingface(make_encoder(), None, tmp_path / "model", head=heads)
    found = load_checkpoint(tmp_path / "model").heads
    assert [head.kind for head in found] == ["masked_lm", "next_sentence"]
    config = json.loads((tmp_path / "model/config.json").read_text())
    assert config["architectures"] == ["BertForPreTraining"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"embedding_dim": 4}, "embedding_dim=4, hidden_dim=8"),
        ({"share_layers": True}, "encoder with share_layers=True"),
        ({"position_offset": 2}, "encoder with position_offset=2"),
    ],
)
def test_architecture_without_equal_is_refused(
    make_encoder, tmp_path, options, message
):
    with pytest.raises(InputError, match=message):
        save_huggingface(make_encoder(**options), None, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_pooled_head_needs_the_pooler(make_encoder, tmp_path):
    encoder = make_encoder(use_pooler=False)
    with pytest.raises(InputError, match="classification head reads the pool"):
        save_huggingface(encoder, None, tmp_path / "model", head=head())


def test_head_of_another_width_is_refused(make_encoder, tmp_path):
    encoder = make_encoder(hidden_dim=4)
    with pytest.raises(InputError, match="classification head must fit"):
        save_huggingface(encoder, None, tmp_path / "model", head=head())


def test_unrelated_heads_are_refused(make_encoder, tmp_path):
    heads = [head(), masked_lm()]
    with pytest.raises(InputError, match="Received: classification, masked_lm"):
        save_huggingface(make_encoder(), None, tmp_path / "m", head=heads)


def test_existing_directory_is_kept(make_encoder, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model/precious").write_text("mine")
    with pytest.raises(InputError, match="is not overwritten"):
        save_huggingface(make_encoder(), None, tmp_path / "model")
    assert (tmp_path / "model/precious").read_text() == "mine"


def test_existing_directory_is_replaced_on_request(make_encoder, tmp_path):
    save_huggingface(make_encoder(), None, tmp_path / "model")
    encoder = make_encoder(num_layers=1)
    save_huggingface(encoder, None, tmp_path / "model", overwrite=True)
    assert_same_weights(encoder, load_checkpoint(tmp_path / "model").encoder)


def test_failing_write_keeps_the_previous_model(
    make_encoder, tmp_path, monkeypatch
):
    save_huggingface(make_encoder(), None, tmp_path / "model")
    before = (tmp_path / "model/model.safetensors").read_bytes()

    def full_disk(*arguments, **options):
        raise safetensors.SafetensorError("No space left on device")

    monkeypatch.setattr(safetensors.numpy, "save_file", full_disk)
    encoder = make_encoder(num_layers=1)
    with pytest.raises(OSError, match="No space left on device"):
        save_huggingface(encoder, None, tmp_path / "model", overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert (tmp_path / "model/model.safetensors").read_bytes() == before
