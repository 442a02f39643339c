"""TFLite: built-in operations, every quantization, verified."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.tokenization import load_tokenizer
from keras_bert_zoo.workflows.export import export
from savedmodels.tflite import TFLiteExporter


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    directory = tmp_path_factory.mktemp("lite") / "lite"
    return directory, export(model, directory, "tflite")


def interpreter(directory):
    return tf.lite.Interpreter(str(directory / "model.tflite"))


def features(model, text, length):
    batch = model.head.features(
        {"text": tf.constant([text])}, model.tokenizer, length
    )
    from keras_bert_zoo.tokenization import pad

    return {
        key: value.numpy()
        for key, value in pad(
            batch.inputs, padding_id=0, sequence_length=length
        ).items()
    }


def test_scores_equal_the_live_model(exported, model, texts):
    run = interpreter(exported[0]).get_signature_runner("tokens_32")
    for text in texts:
        scores = run(**features(model, text, 32))["scores"][0]
        live = model.predict_text(text)["scores"]
        np.testing.assert_allclose(scores, list(live.values()), atol=1e-5)


def test_only_lengths_that_the_model_reads(exported):
    signatures = interpreter(exported[0]).get_signature_list()
    assert list(signatures) == ["tokens_32"]


def test_inputs_are_int32_under_their_names(exported):
    runner = interpreter(exported[0]).get_signature_runner("tokens_32")
    details = runner.get_input_details()
    assert {name: d["dtype"] for name, d in details.items()} == {
        "token_ids": np.int32,
        "segment_ids": np.int32,
        "padding_mask": np.int32,
    }


def test_holds_no_flex_operation(exported):
    details = interpreter(exported[0])._get_ops_details()
    assert not [d for d in details if d["op_name"].startswith("Flex")]


def test_the_tokenizer_lies_beside_it(exported, model):
    lines = (exported[0] / "vocab.txt").read_text().splitlines()
    assert tuple(lines) == model.tokenizer.vocabulary.tokens
    found = load_tokenizer(exported[0])
    assert found.description() == model.tokenizer.description()


@pytest.mark.parametrize(
    ("quantize", "bound"),
    [
        ("dynamic_int8", 0.25),
        pytest.param("float16", 5e-3, marks=pytest.mark.slow),
    ],
)
def test_quantized_files_are_verified(model, tmp_path, quantize, bound):
    manifest = export(
        model, tmp_path / "q", "tflite", quantize=quantize
    ).manifest
    measured = manifest["verification"]
    assert measured["tolerance"] == bound
    assert measured["tokens_32"] <= bound


@pytest.mark.slow
def test_one_dynamic_length_takes_short_and_long(model, tmp_path):
    export(model, tmp_path / "d", "tflite", dynamic=True)
    run = interpreter(tmp_path / "d").get_signature_runner("tokens")
    for length in (5, 40):
        inputs = features(model, "a fine film", length)
        assert run(**inputs)["scores"].shape == (1, 2)
    # More than the encoder's positions: refused, as by the live model.
    with pytest.raises(RuntimeError):
        run(**features(model, "a fine film", 60))


def rows_of(model, texts, length=32):
    rows = [features(model, text, length) for text in texts]
    return {
        name: np.concatenate([row[name] for row in rows]) for name in rows[0]
    }


def test_a_file_for_any_number_is_resized(model, texts, tmp_path):
    manifest = export(
        model, tmp_path / "any", "tflite", batch=0, dynamic=True
    ).manifest
    (described, *_) = manifest["signatures"]["tokens"]["inputs"]
    assert described["shape"] == [None, None]
    run = interpreter(tmp_path / "any").get_signature_runner("tokens")
    for count in (3, 1, 2):
        inputs = rows_of(model, texts[:count])
        np.testing.assert_allclose(
            run(**inputs)["logits"], model(inputs), atol=1e-4
        )


@pytest.mark.slow
def test_a_file_for_some_takes_as_many(model, texts, tmp_path):
    manifest = export(model, tmp_path / "some", "tflite", batch=3).manifest
    (described, *_) = manifest["signatures"]["tokens_32"]["inputs"]
    assert described["shape"] == [3, 32]
    run = interpreter(tmp_path / "some").get_signature_runner("tokens_32")
    inputs = rows_of(model, texts)
    np.testing.assert_allclose(
        run(**inputs)["logits"], model(inputs), atol=1e-4
    )


def test_the_usual_file_is_described_as_one_for_a_single_sequence(
    exported, model, texts
):
    signature = exported[1].manifest["signatures"]["tokens_32"]
    assert {tuple(one["shape"]) for one in signature["inputs"]} == {(1, 32)}
    assert exported[1].manifest["options"]["batch"] == 1
    run = interpreter(exported[0]).get_signature_runner("tokens_32")
    with pytest.raises(RuntimeError):
        run(**rows_of(model, texts))


@pytest.mark.slow
def test_a_bfloat16_model_is_exported_in_float32(make_model, tmp_path):
    model = make_model(dtype="mixed_bfloat16")
    manifest = export(
        model, tmp_path / "b", "tflite", sequence_length=16
    ).manifest
    assert manifest["verification"]["tokens_16"] <= 1e-5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quantize": "int4"}, "dynamic_int8. Received: 'int4'"),
        ({"sequence_length": 41}, "between 3 and the model's 40 tokens"),
        ({"sequence_length": 2}, "between 3 and the model's 40 tokens"),
        ({"sequence_length": "32"}, "Received: sequence_length='32'"),
        (
            {"dynamic": True, "sequence_length": 16},
            "dynamic and sequence_length=16. Give one",
        ),
        ({"batch": -1}, "at least 0. Received: batch=-1"),
        ({"dynamic": "no"}, "`dynamic` must be True or False"),
    ],
)
def test_wrong_options_are_refused(model, tmp_path, options, message):
    with pytest.raises(InputError, match=message):
        export(model, tmp_path / "x", "tflite", **options)
    assert list(tmp_path.iterdir()) == []


def test_options_are_the_constructors(model):
    for option in TFLiteExporter.options():
        assert getattr(TFLiteExporter(), option.name) == option.default
