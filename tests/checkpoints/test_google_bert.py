"""TF1 checkpoints, compared with the same weights in another format."""

import json
import os
import pathlib
import shutil

import numpy as np
import pytest
import safetensors.numpy
import tensorflow as tf
from checkpoint_parts import load_checkpoint

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task.model import TaskModel
from task_heads.tagging.head import TaggingHead

ROOT = pathlib.Path(__file__).parents[2]
RECORDED = ROOT / "tests/recorded/transformers"
SHARED = pathlib.Path(os.environ.get("KBZ_SHARED", ROOT.parent / "shared"))


def published_name(name):
    """Returns google-research's name of a Hugging Face variable."""
    for theirs, ours in (
        ("embeddings.weight", "embeddings"),
        ("LayerNorm.weight", "LayerNorm/gamma"),
        ("LayerNorm.bias", "LayerNorm/beta"),
        ("dense.weight", "dense/kernel"),
        ("query.weight", "query/kernel"),
        ("key.weight", "key/kernel"),
        ("value.weight", "value/kernel"),
        ("seq_relationship.weight", "seq_relationship/output_weights"),
        ("seq_relationship.bias", "seq_relationship/output_bias"),
        ("predictions.bias", "predictions/output_bias"),
        ("classifier.weight", "output_weights"),
        ("classifier.bias", "output_bias"),
        ("qa_outputs.weight", "cls/squad/output_weights"),
        ("qa_outputs.bias", "cls/squad/output_bias"),
        ("encoder.layer.", "encoder/layer_"),
        (".", "/"),
    ):
        name = name.replace(theirs, ours)
    return name


def write_tf1(arrays, prefix):
    """Saves a graph's variables as the published scripts do."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        for name, array in arrays.items():
            tf.compat.v1.get_variable(
                name, initializer=np.asarray(array), use_resource=False
            )
        session.run(tf.compat.v1.global_variables_initializer())
        saver = tf.compat.v1.train.Saver()
        saver.save(session, str(prefix), write_meta_graph=False)


def published_arrays(name):
    arrays = safetensors.numpy.load_file(RECORDED / name / "model.safetensors")
    return {
        published_name(key): array.T if key_is_kernel(key) else array
        for key, array in arrays.items()
    }


def key_is_kernel(key):
    kernels = ("dense", "query", "key", "value")
    return key.endswith(tuple(f"{kernel}.weight" for kernel in kernels))


@pytest.fixture
def published(tmp_path, vocabulary_tokens):
    """Returns a function writing a recorded model as a TF1 directory."""

    def write(name="pretraining", tokens=None, **extra):
        directory = tmp_path / "uncased"
        directory.mkdir()
        config = json.loads((RECORDED / name / "config.json").read_text())
        config = {
            key: value
            for key, value in config.items()
            if key.endswith(("_size", "_prob", "_range", "_act", "embeddings"))
            or key.startswith("num_")
        }
        (directory / "bert_config.json").write_text(json.dumps(config))
        text = "\n".join(tokens or vocabulary_tokens(40))
        (directory / "vocab.txt").write_text(text)
        arrays = {**published_arrays(name), **extra}
        write_tf1(arrays, directory / "bert_model.ckpt")
        return directory

    return write


def test_encoder_equals_transformers(published, run):
    expected = np.load(RECORDED / "classifier/outputs.npz")
    reference = load_checkpoint(RECORDED / "classifier").encoder
    found = load_checkpoint(published("classifier"))
    for name, value in run(reference, expected).items():
        np.testing.assert_array_equal(run(found.encoder, expected)[name], value)
    pooled = run(found.encoder, expected)["pooled_output"]
    weights = found.head.weights
    logits = pooled @ weights["kernel"] + weights["bias"]
    np.testing.assert_allclose(logits, expected["logits"], atol=1e-5)


def test_pretraining_heads_are_read(published):
    expected = load_checkpoint(RECORDED / "pretraining").heads
    found = load_checkpoint(published()).heads
    assert [head.kind for head in found] == ["masked_lm", "next_sentence"]
    for left, right in zip(expected, found):
        for name, array in left.weights.items():
            np.testing.assert_array_equal(right.weights[name], array)


def test_a_masked_language_model_answers_like_transformers(published):
    expected = np.load(RECORDED / "pretraining/outputs.npz")
    model = TaskModel.from_preset(published())
    inputs = {name: expected[name] for name in list(expected)[:3]}
    places = np.tile(np.arange(9, dtype="int32"), (2, 1))
    found = np.array(model({**inputs, "mask_positions": places}))
    np.testing.assert_allclose(found, expected["prediction_logits"], atol=1e-5)


def test_a_span_finder_answers_like_transformers(published):
    expected = np.load(RECORDED / "question_answerer/outputs.npz")
    model = TaskModel.from_preset(published("question_answerer"))
    found = model({name: expected[name] for name in list(expected)[:3]})
    for name in ("start_logits", "end_logits"):
        np.testing.assert_allclose(found[name], expected[name], atol=1e-5)


def test_classifier_has_numbered_labels(published):
    head = TaskModel.from_preset(published("classifier")).head
    assert head.labels_by_index == ["LABEL_0", "LABEL_1", "LABEL_2"]


def test_taggers_head_takes_the_weights_of_a_classifier(published):
    expected = np.load(RECORDED / "tagger/outputs.npz")
    head = TaggingHead(["no", "maybe", "yes"], scheme="none")
    model = TaskModel.from_preset(published("tagger"), head, load_head=True)
    logits = model({name: expected[name] for name in list(expected)[:3]})
    np.testing.assert_allclose(logits, expected["logits"], atol=1e-5)


def test_taggers_head_needs_as_many_labels_as_there_are_rows(published):
    directory = published("tagger")
    head = TaggingHead(["O", "B-x"])
    with pytest.raises(InputError, match="3 rows, 2 labels"):
        TaskModel.from_preset(directory, head, load_head=True)


def test_named_head_is_new_unless_its_weights_are_asked_for(published):
    directory = published("tagger")
    model = TaskModel.from_preset(directory, TaggingHead(["O", "B-x"]))
    assert model.get_layer("logits").bias.shape == (2,)


def test_optimizer_state_is_ignored(published):
    bias = "bert/pooler/dense/bias"
    extra = {
        f"{bias}/adam_m": np.zeros(16, "float32"),
        f"{bias}/adam_v": np.zeros(16, "float32"),
        "global_step": np.int64(7),
    }
    ignored = load_checkpoint(published(**extra)).report.ignored
    assert ignored == tuple(sorted(extra))


def test_unknown_variable_is_named(published):
    directory = published(**{"bert/other/kernel": np.zeros(2, "float32")})
    with pytest.raises(InputError, match="'bert/other/kernel'"):
        load_checkpoint(directory)


def test_another_head_does_not_block_the_encoder(published):
    crf = {"crf_loss/transitions": np.zeros((3, 3), "float32")}
    directory = published("tagger", **crf)
    assert load_checkpoint(directory).report.ignored == tuple(crf)
    with pytest.raises(InputError, match="variables crf_loss/transitions"):
        TaskModel.from_preset(directory)


def test_what_a_classifier_reads_is_told_as_a_guess(published):
    (note,) = load_checkpoint(published("tagger")).report.notes
    assert "Name the head 'tagging'" in note


@pytest.mark.parametrize(("word", "lowercase"), [("w", True), ("W", False)])
def test_casing_is_read_off_the_vocabulary(
    published, vocabulary_tokens, word, lowercase
):
    tokens = [*vocabulary_tokens(39), word]
    tokenizer = load_checkpoint(published(tokens=tokens)).tokenizer
    assert tokenizer.lowercase is lowercase


def test_vocabulary_of_another_size_is_refused(published, vocabulary_tokens):
    directory = published(tokens=vocabulary_tokens(41))
    with pytest.raises(InputError, match="41 tokens for 40 rows"):
        load_checkpoint(directory)


def test_prefix_names_one_of_several(published):
    directory = published()
    for file in list(directory.glob("bert_model.ckpt.*")):
        name = file.name.replace("bert_model.ckpt", "model.ckpt-10")
        shutil.copy(file, directory / name)
    (directory / "checkpoint").unlink()
    with pytest.raises(InputError, match="bert_model.ckpt, model.ckpt-10"):
        load_checkpoint(directory)
    report = load_checkpoint(directory / "model.ckpt-10").report
    assert report.origin.endswith("model.ckpt-10")


def test_recorded_state_chooses_the_newest(published):
    directory = published()
    for file in list(directory.glob("bert_model.ckpt.*")):
        name = file.name.replace("bert_model.ckpt", "model.ckpt-10")
        shutil.copy(file, directory / name)
    state = 'model_checkpoint_path: "/elsewhere/model.ckpt-10"\n'
    (directory / "checkpoint").write_text(state)
    report = load_checkpoint(directory).report
    assert report.origin.endswith("model.ckpt-10")


@pytest.mark.parametrize("part", ["index", "data-00000-of-00001"])
def test_truncated_checkpoint_is_refused(published, part):
    directory = published()
    path = directory / f"bert_model.ckpt.{part}"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match="must be a whole TensorFlow check"):
        load_checkpoint(directory)


def test_missing_data_file_is_refused(published):
    directory = published()
    (directory / "bert_model.ckpt.data-00000-of-00001").unlink()
    with pytest.raises(InputError, match="must be a whole TensorFlow check"):
        load_checkpoint(directory)


def test_missing_config_is_named(published):
    directory = published()
    (directory / "bert_config.json").unlink()
    with pytest.raises(InputError, match="bert_config.json must be a readable"):
        load_checkpoint(directory)


@pytest.mark.skipif(
    not (SHARED / "models").is_dir(),
    reason="the shared models are absent (KBZ_SHARED)",
)
def test_published_tiny_checkpoint_loads():
    checkpoint = load_checkpoint(SHARED / "models/tf1_bert_tiny")
    kinds = [head.kind for head in checkpoint.heads]
    assert kinds == ["masked_lm", "next_sentence"]
    assert checkpoint.report.num_mapped == 5 + 2 * 16 + 2 + 5 + 2
    assert len(checkpoint.report.ignored) == 2 * 46 + 1
    assert checkpoint.tokenizer.vocabulary.tokens[-1] == "boy"
