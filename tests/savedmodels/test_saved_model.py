"""SavedModel: loads everywhere and answers like the live model."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from keras_bert_zoo.atomic_io import sha256_of
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.workflows.export import export
from savedmodels.saved_model import SavedModelExporter
from task_heads.classification.head import ClassificationHead


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    directory = tmp_path_factory.mktemp("saved") / "1"
    manifest = export(model, directory).manifest
    return directory, manifest


@pytest.fixture(scope="module")
def signatures(exported):
    return tf.saved_model.load(exported[0]).signatures


@pytest.fixture(scope="module")
def serve(signatures):
    return signatures["serving_default"]


def labels(answers):
    return [answer["label"] for answer in answers]


def test_strings_give_the_live_models_answers(serve, model, texts):
    answers = serve(text=tf.constant(texts))
    live = model.predict_text(texts)
    assert [x.decode() for x in answers["label"].numpy()] == labels(live)
    np.testing.assert_allclose(
        answers["probability"],
        [answer["probability"] for answer in live],
        atol=1e-5,
    )


@pytest.mark.parametrize("size", [0, 1, 7])
def test_takes_batches_of_any_size(serve, size):
    answers = serve(text=tf.constant(["a film"] * size, "string"))
    assert answers["scores"].shape == (size, 2)


def test_long_texts_are_cut_like_the_live_model(serve, model):
    text = "a fine film " * 100
    answer = serve(text=tf.constant([text]))
    live = model.predict_text(text)
    assert float(answer["probability"][0]) == pytest.approx(
        live["probability"], abs=1e-5
    )


def same_rows(received, expected):
    assert set(received) == set(expected)
    for name, value in expected.items():
        if value.dtype == tf.string:
            np.testing.assert_array_equal(received[name], value)
        else:
            np.testing.assert_allclose(received[name], value, rtol=1e-5)


def test_a_text_without_an_axis_has_one_answer(serve, texts):
    answer = serve(text=tf.constant(texts[0]))
    rows = serve(text=tf.constant(texts[:1]))
    assert answer["label"].shape == ()
    same_rows(answer, {name: value[0] for name, value in rows.items()})


def test_a_column_of_texts_has_an_answer_for_each(serve, texts):
    column = serve(text=tf.constant([[text] for text in texts]))
    same_rows(column, serve(text=tf.constant(texts)))


def test_several_texts_in_a_row_are_refused(serve):
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="`text` must be a text, or texts"
    ):
        serve(text=tf.constant([["a film", "a plot"]]))


@pytest.fixture(scope="module")
def serve_pairs(make_model, tmp_path_factory):
    head = ClassificationHead(["a", "b"], text_pair=True)
    directory = tmp_path_factory.mktemp("pairs") / "1"
    export(make_model(head), directory)
    return tf.saved_model.load(directory).signatures["serving_default"]


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_pairs_are_taken_in_any_shape(serve_pairs, shape):
    pair = {"text": "a fine film", "text_pair": "a dull film"}
    found = serve_pairs(**{k: tf.fill(shape, v) for k, v in pair.items()})
    expected = serve_pairs(**{k: tf.fill([1], v) for k, v in pair.items()})
    if not shape:
        expected = {name: value[0] for name, value in expected.items()}
    same_rows(found, expected)


def test_texts_without_a_second_one_are_refused(serve_pairs):
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="must have as many texts"
    ):
        serve_pairs(text=tf.constant(["a", "b"]), text_pair=tf.constant(["a"]))


def test_invalid_utf8_has_an_answer(serve):
    answers = serve(text=tf.constant([b"\xff\xfe fine \x80"]))
    assert np.isfinite(answers["scores"].numpy()).all()


@pytest.mark.slow
def test_the_fast_tokenizer_reads_what_the_live_model_reads(
    model, texts, tmp_path
):
    pytest.importorskip("tensorflow_text")
    export(model, tmp_path / "1", tokenizer_engine="fast")
    serve = tf.saved_model.load(tmp_path / "1").signatures["serving_default"]
    # A noncharacter before the ids of special tokens.
    odd = [f"\ufdd0{number}s film" for number in range(5)]
    answers = serve(text=tf.constant(texts + odd))
    expected = model.predict_text(texts + ["unknownword film"] * 5)
    np.testing.assert_allclose(
        answers["probability"],
        [answer["probability"] for answer in expected],
        atol=1e-5,
    )


def test_token_ids_give_logits(signatures):
    ids = tf.constant([[2, 5, 6, 3]])
    outputs = signatures["token_ids"](
        token_ids=ids, segment_ids=0 * ids, padding_mask=0 * ids + 1
    )
    assert outputs["logits"].shape == (1, 2)


def inputs_of_length(length):
    ids = tf.fill([2, length], 5)
    return {
        "token_ids": ids,
        "segment_ids": 0 * ids,
        "padding_mask": 0 * ids + 1,
    }


def test_token_ids_are_read_up_to_the_encoders_positions(signatures, model):
    inputs = inputs_of_length(40)
    np.testing.assert_allclose(
        signatures["token_ids"](**inputs)["logits"], model(inputs), rtol=1e-5
    )


def test_token_ids_that_are_too_long_are_refused_as_by_the_live_model(
    signatures, model
):
    rule = "must not exceed the positions of the encoder, 40 tokens. Received"
    with pytest.raises(InputError, match=f"{rule}: 41. Truncate"):
        model(inputs_of_length(41))
    with pytest.raises(tf.errors.InvalidArgumentError, match=rule) as error:
        signatures["token_ids"](**inputs_of_length(41))
    assert "[41]" in str(error.value)


@pytest.mark.slow
def test_no_token_is_cut_below_the_encoders_positions(make_model, tmp_path):
    model = make_model()
    model.sequence_length = 10
    export(model, tmp_path / "1")
    loaded = tf.saved_model.load(tmp_path / "1")
    inputs = inputs_of_length(20)
    np.testing.assert_allclose(
        loaded.signatures["token_ids"](**inputs)["logits"],
        model(inputs),
        rtol=1e-5,
    )


def test_weights_are_stored_once(exported, model):
    stored = sum(
        path.stat().st_size
        for path in (exported[0] / "variables").glob("*.data-*")
    )
    held = sum(int(np.prod(v.shape)) * 4 for v in model.trainable_variables)
    assert held <= stored < 2 * held


@pytest.mark.slow
def test_loads_without_keras_and_tensorflow_text(exported, texts):
    program = """
import sys
for name in ("keras", "tensorflow_text", "keras_bert_zoo", "task_heads"):
    sys.modules[name] = None
import tensorflow as tf
serve = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
print(serve(text=tf.constant([sys.argv[2]]))["label"].numpy()[0].decode())
"""
    result = subprocess.run(
        [sys.executable, "-c", program, str(exported[0]), texts[0]],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() in ("bad", "göod")


@pytest.fixture(scope="module")
def tensor_names(exported):
    """Names of the input and of the answer in the graph."""
    model = saved_model_pb2.SavedModel()
    model.ParseFromString((exported[0] / "saved_model.pb").read_bytes())
    signature = model.meta_graphs[0].signature_def["serving_default"]
    return signature.inputs["text"].name, signature.outputs["label"].name


def test_loads_through_a_session_like_tf_serving(
    exported, model, texts, tensor_names
):
    feed, fetch = tensor_names
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.compat.v1.saved_model.load(session, ["serve"], str(exported[0]))
        found = session.run(fetch, {feed: texts})
        one = session.run(fetch, {feed: texts[0]})
    assert one == found[0]
    assert [x.decode() for x in found] == labels(model.predict_text(texts))


def test_loads_through_the_c_api(exported, model, texts, tensor_names):
    libraries = pathlib.Path(tf.sysconfig.get_lib())
    if not (libraries / "libtensorflow_cc.so.2").exists():
        pytest.skip("TensorFlow's shared library is not in the wheel")
    client = pathlib.Path(__file__).with_name("c_api_client.py")
    result = subprocess.run(
        [
            sys.executable,
            str(client),
            str(libraries),
            str(exported[0]),
            *tensor_names,
            texts[2],
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    expected = model.predict_text(texts[2])["label"]
    assert result.stdout.strip() == expected, result.stderr


def test_the_manifest_lists_every_file_with_its_hash(exported):
    directory, manifest = exported
    stored = json.loads((directory / "manifest.json").read_text())
    assert stored == manifest
    found = {
        path.relative_to(directory).as_posix(): sha256_of(path)
        for path in directory.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    listed = {name: entry["sha256"] for name, entry in stored["files"].items()}
    assert listed == found


def test_the_manifest_describes_the_signatures(exported, model):
    signatures = exported[1]["signatures"]
    inputs = signatures["serving_default"]["inputs"]
    assert [entry["name"] for entry in inputs] == ["text"]
    outputs = [e["name"] for e in signatures["serving_default"]["outputs"]]
    assert outputs == ["label", "probability", "scores"]
    described = exported[1]["tokenizer"]
    assert described["lowercase"] is True
    assert described["vocabulary_sha256"] == model.tokenizer.vocabulary.sha256


# The span QA head's reads two texts, too.
@pytest.mark.slow
@pytest.mark.parametrize(
    "head",
    [
        ClassificationHead(["x", "y", "z"], "multi_label", pooling="mean"),
        ClassificationHead(kind="regression"),
        ClassificationHead(["a", "b"], text_pair=True, pooling="max"),
    ],
    ids=["multi_label", "regression", "pair"],
)
def test_other_tasks_are_exported_and_verified(head, make_model, tmp_path):
    pairs = [("a fine film", "a dull film")] if head.text_pair else ["a film"]
    model = make_model(head)
    manifest = export(model, tmp_path / "1").manifest
    assert manifest["verification"]["serving_default"] <= 1e-5
    fields = dict(
        zip(head.text_fields, zip(*pairs) if head.text_pair else [pairs])
    )
    loaded = tf.saved_model.load(tmp_path / "1")
    outputs = loaded.signatures["serving_default"](
        **{key: tf.constant(list(value)) for key, value in fields.items()}
    )
    described = [info.name for info in head.signature().outputs]
    assert sorted(outputs) == sorted(described)


@pytest.mark.slow
def test_a_bfloat16_model_is_exported_in_float32(make_model, tmp_path):
    trained = make_model(dtype="mixed_bfloat16")
    export(trained, tmp_path / "1")
    twin = make_model(dtype="float32")
    twin.set_weights(trained.get_weights())
    loaded = tf.saved_model.load(tmp_path / "1")
    ids = tf.constant([[2, 5, 6, 3]])
    inputs = {
        "token_ids": ids,
        "segment_ids": 0 * ids,
        "padding_mask": 0 * ids + 1,
    }
    found = loaded.signatures["token_ids"](**inputs)["logits"]
    np.testing.assert_allclose(found, twin(inputs), rtol=1e-5)


def test_an_existing_directory_is_refused(exported, model):
    with pytest.raises(InputError, match="not overwritten"):
        export(model, exported[0])


def test_an_unknown_format_lists_the_known(model, tmp_path):
    with pytest.raises(InputError, match="'onnx'. Known: .*saved_model"):
        export(model, tmp_path / "1", "onnx")


def test_an_unknown_engine_is_refused():
    with pytest.raises(InputError, match="graph, fast. Received: 'python'"):
        SavedModelExporter("python")
