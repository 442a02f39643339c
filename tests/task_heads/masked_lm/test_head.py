"""The masked-LM head: the contract, gaps, long texts, answers, exports."""

import json
import logging
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo import testing
from keras_bert_zoo.data import MemoryExamples
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task.model import TaskModel
from keras_bert_zoo.tokenization import pad
from keras_bert_zoo.workflows.export import export
from task_heads.masked_lm.head import MaskedTokenHead

TEXTS = ["aa bb cc", "bb cc dd", "cc dd ee", "dd ee aa", "ee aa bb"]
SEED = tf.constant([3, 5], tf.int64)


def make_model(head=None, sequence_length=None, freeze=False, **encoder):
    tokenizer = testing.tiny_tokenizer(["aa bb cc dd ee . ( ) é"])
    keras.utils.set_random_seed(3)
    return TaskModel(
        testing.tiny_encoder(
            len(tokenizer.vocabulary),
            **{"dropout": 0.0, "attention_dropout": 0.0, **encoder},
        ),
        head or MaskedTokenHead(),
        tokenizer,
        sequence_length=sequence_length,
        freeze_encoder=freeze,
    )


@pytest.fixture(scope="module")
def trained():
    model = make_model(MaskedTokenHead(0.3, top_k=3))
    model.compile(learning_rate=0.02, weight_decay=0.0)
    model.fit(TEXTS * 60, batch_size=30, epochs=20, verbose=0)
    return model


def token_of(model, name):
    return model.tokenizer.vocabulary.token_to_id(name)


def words(model, ids):
    return [model.tokenizer.vocabulary.id_to_token(i) for i in ids]


@pytest.mark.slow
def test_the_contract_holds():
    testing.check_head(
        MaskedTokenHead(top_k=3),
        [
            {"text": "the end [MASK] is"},
            {"text": "on " * 50 + "[MASK]"},
            {"text": "[MASK]"},
        ],
    )


def test_learns_and_fills(trained):
    answer = trained.predict_text("aa [MASK] cc")
    assert answer["filled_text"] == "aa bb cc"
    (mask,) = answer["masks"]
    assert (mask["start"], mask["end"]) == (3, 9)
    found = [token["token"] for token in mask["tokens"]]
    assert len(found) == 3 and found[0] == "bb"
    best = mask["tokens"][0]
    assert best["token_id"] == token_of(trained, "bb")
    assert 0.5 < best["probability"] < 1


def test_probabilities_are_those_of_the_whole_encoders_softmax(trained):
    """The same numbers, from the layers and by hand."""
    ids = [2, token_of(trained, "aa"), 4, token_of(trained, "cc"), 3]
    inputs = {
        "token_ids": np.array([ids], "int32"),
        "segment_ids": np.zeros((1, 5), "int32"),
        "padding_mask": np.ones((1, 5), "int32"),
    }
    hidden = trained.encoder(inputs)["sequence_output"]
    head = trained.get_layer("logits").head
    logits = head(hidden, trained.encoder.token_embedding)[0, 2]
    expected = tf.sort(tf.nn.softmax(logits), direction="DESCENDING")[:3]
    (mask,) = trained.predict_text("aa [MASK] cc")["masks"]
    found = [token["probability"] for token in mask["tokens"]]
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("[MASK]", [(0, 6)]),
        ("é😀[MASK]aa[MASK][MASK]", [(2, 8), (10, 16), (16, 22)]),
        ("aa[MASK]bb", [(2, 8)]),
        ("  [MASK]  ", [(2, 8)]),
        ("[MASK [MASK] MASK]", [(6, 12)]),
    ],
)
def test_gaps_are_found_where_they_stand(trained, text, places):
    answer = trained.predict_text(text)
    found = [(mask["start"], mask["end"]) for mask in answer["masks"]]
    assert found == places
    filled = text
    for mask in reversed(answer["masks"]):
        best = mask["tokens"][0]["token"]
        best = best.removeprefix("##") if best != "##" else best
        filled = filled[: mask["start"]] + best + filled[mask["end"] :]
    assert answer["filled_text"] == filled


def test_a_small_letter_mask_is_no_gap(trained):
    with pytest.raises(
        InputError, match=r"example 1: .* hold \[MASK\].*'\[mask\]'"
    ):
        trained.predict_text("[mask]")


@pytest.mark.slow
def test_gaps_of_a_long_text_are_read_by_the_window_that_owns_them():
    model = make_model(sequence_length=10)
    text = " ".join(
        "[MASK]" if place in (0, 30, 31, 99) else "aa" for place in range(100)
    )
    answer = model.predict_text(text)
    assert len(answer["masks"]) == 4
    for mask in answer["masks"]:
        assert text[mask["start"] : mask["end"]] == "[MASK]"
    # The first gap stands at the start of eight tokens of the first window.
    alone = model.predict_text("[MASK] " + "aa " * 7)["masks"][0]
    np.testing.assert_allclose(
        [token["probability"] for token in alone["tokens"]],
        [token["probability"] for token in answer["masks"][0]["tokens"]],
        atol=1e-6,
    )


def test_batches_of_any_size_answer_alike(trained):
    texts = ["aa bb " * n + "[MASK] cc " * (n % 3 + 1) for n in range(40)]
    one = trained.predict_text(texts, batch_size=1)
    many = trained.predict_text(texts, batch_size=16)
    assert [a["filled_text"] for a in one] == [a["filled_text"] for a in many]
    assert [len(a["masks"]) for a in many] == [n % 3 + 1 for n in range(40)]


def test_same_seed_same_masks(trained):
    head, tokenizer = trained.head, trained.tokenizer

    def masked(seed):
        found = head.features(
            {"text": tf.constant(TEXTS), "random_seed": seed}, tokenizer, 32
        )
        return found.inputs["token_ids"].to_list()

    assert masked(SEED) == masked(SEED)
    assert masked(SEED) != masked(SEED + 1)


def test_evaluation_repeats_itself(trained):
    first, second = (
        trained.evaluate(TEXTS * 10, verbose=0, return_dict=True)
        for _ in range(2)
    )
    assert first == second
    assert set(first) == {"loss", "perplexity", "accuracy"}
    assert first["accuracy"] > 0.8
    assert first["perplexity"] == pytest.approx(np.exp(first["loss"]), rel=0.1)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights():
    def losses(seed):
        model = make_model()
        history = model.fit(TEXTS, epochs=3, seed=seed, verbose=0)
        return history.history["loss"]

    first = losses(1)
    assert first == losses(1)
    assert first != losses(2)


def test_a_long_text_is_learnt_from_whole(trained):
    text = "aa bb cc dd ee " * 13
    found = trained.head.features(
        {"text": tf.constant([text]), "random_seed": SEED},
        trained.tokenizer,
        10,
    )
    inputs = pad(found.inputs, padding_id=0)
    whole = inputs["token_ids"].numpy()
    for row, (places, originals) in enumerate(
        zip(found.inputs["mask_positions"].to_list(), found.labels.to_list())
    ):
        whole[row, places] = originals
    ids = [i for i in whole.reshape(-1).tolist() if i not in (0, 2, 3)]
    assert words(trained, ids) == text.split()
    assert found.num_sequences.numpy().tolist() == [9]


@pytest.mark.slow
def test_texts_without_tokens_weigh_nothing():
    model = make_model()
    model.compile("sgd")
    history = model.fit(["", "  ", "\u200b"], verbose=0).history
    # Numbers, although no token is asked for.
    assert history["loss"] == [0.0] and history["perplexity"] == [1.0]
    weights = model.get_weights()
    assert all(np.isfinite(value).all() for value in weights)


def test_the_token_table_is_the_encoders(trained):
    own = [v.path for v in trained.get_layer("logits").head.variables]
    assert len(own) == 5
    paths = [variable.path for variable in trained.trainable_variables]
    assert sum("token_embedding" in path for path in paths) == 1


@pytest.mark.slow
def test_a_frozen_encoder_stays_as_it_is():
    model = make_model(freeze=True)
    before = [np.array(v) for v in model.encoder.get_weights()]
    model.compile(learning_rate=0.02)
    model.fit(TEXTS, epochs=2, verbose=0)
    for old, new in zip(before, model.encoder.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert len(model.trainable_variables) == 5


@pytest.mark.slow
def test_trains_in_mixed_precision():
    model = make_model(dtype="mixed_bfloat16")
    history = model.fit(TEXTS * 4, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert model(dummy_inputs()).dtype == "float32"
    assert model.predict_text("aa [MASK]")["masks"]


def dummy_inputs():
    ids = np.array([[2, 4, 3]], "int32")
    return {
        "token_ids": ids,
        "segment_ids": ids * 0,
        "padding_mask": ids * 0 + 1,
        "mask_positions": np.array([[1]], "int32"),
    }


@pytest.fixture(scope="module")
def saved(trained, tmp_path_factory):
    directory = tmp_path_factory.mktemp("saved") / "model"
    trained.save_to_preset(directory)
    return directory


def test_saves_and_loads(trained, saved):
    loaded = TaskModel.from_preset(saved)
    assert loaded.head.get_config() == trained.head.get_config()
    for ours, theirs in zip(
        loaded.get_weights(), trained.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_a_new_head_starts_from_the_saved_one(trained, saved):
    loaded = TaskModel.from_preset(saved, head="masked_lm", top_k=1)
    assert loaded.head.top_k == 1
    for ours, theirs in zip(
        loaded.get_weights(), trained.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
def test_another_head_takes_the_adapted_encoder(trained, saved):
    other = TaskModel.from_preset(
        saved, head="classification", labels=["x", "y"]
    )
    for ours, theirs in zip(
        other.encoder.get_weights(), trained.encoder.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
    other.fit(["aa", "bb"], ["x", "y"], verbose=0)


def test_a_new_head_without_weights_is_announced(saved, tmp_path, caplog):
    other = TaskModel.from_preset(
        saved, head="classification", labels=["x", "y"]
    )
    other.save_to_preset(tmp_path / "other")
    with caplog.at_level(logging.WARNING):
        TaskModel.from_preset(tmp_path / "other", head="masked_lm")
    assert "no weights for the head masked_lm" in caplog.text


def test_a_checkpoints_head_scores_the_same_tokens(trained):
    weights = trained.head.get_weights(trained)
    head = MaskedTokenHead.from_weights(weights)
    twin = TaskModel(trained.encoder, head, trained.tokenizer)
    head.set_weights(twin, weights)
    inputs = dummy_inputs()
    np.testing.assert_array_equal(twin(inputs), trained(inputs))


@pytest.fixture(scope="module")
def exported(trained, tmp_path_factory):
    directory = tmp_path_factory.mktemp("served") / "1"
    export(trained, directory)
    return directory


@pytest.fixture(scope="module")
def signatures(exported):
    return tf.saved_model.load(exported).signatures


@pytest.mark.slow
def test_the_saved_model_answers_like_the_live_one(trained, signatures):
    served = signatures["serving_default"]
    texts = ["é (aa [MASK]) – dd", "", "aa " * 200 + "[MASK] [MASK]", "bb"]
    found = {k: v.numpy() for k, v in served(text=tf.constant(texts)).items()}
    assert found["num_masks"].tolist() == [1, 0, 2, 0]
    assert found["token"].shape == (4, 2, 3)
    assert found["filled_text"][1::2].tolist() == [b"", b"bb"]
    live = trained.predict_text([texts[0], texts[2]])
    for row, answer in zip((0, 2), live):
        assert found["filled_text"][row].decode() == answer["filled_text"]
        for gap, mask in enumerate(answer["masks"]):
            assert found["char_start"][row, gap] == mask["start"]
            np.testing.assert_allclose(
                found["probability"][row, gap],
                [token["probability"] for token in mask["tokens"]],
                atol=1e-5,
            )


@pytest.mark.slow
@pytest.mark.parametrize("texts", [[], ["bb"], [""]])
def test_the_saved_model_takes_texts_without_gaps(signatures, texts):
    served = signatures["serving_default"]
    found = served(text=tf.constant(texts, tf.string))
    assert found["num_masks"].numpy().tolist() == [0] * len(texts)
    assert found["filled_text"].numpy().tolist() == [t.encode() for t in texts]


@pytest.mark.slow
def test_the_saved_model_takes_token_ids(trained, signatures):
    served = signatures["token_ids"]
    inputs = dummy_inputs()
    found = served(**{k: tf.constant(v) for k, v in inputs.items()})
    np.testing.assert_allclose(found["logits"], trained(inputs), atol=1e-5)
    assert found["token_id"].shape == (1, 1, 3)


@pytest.mark.slow
def test_the_saved_model_needs_no_keras(exported):
    program = """
import sys
for name in ("keras", "tensorflow_text", "keras_bert_zoo", "task_heads"):
    sys.modules[name] = None
import tensorflow as tf
serve = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
print(serve(text=tf.constant(["aa [MASK] cc"]))["filled_text"].numpy()[0])
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(exported)],
        capture_output=True,
        text=True,
    )
    assert done.stdout == "b'aa bb cc'\n", done.stderr


@pytest.mark.slow
def test_the_tflite_file_gives_tokens(trained, tmp_path):
    export(trained, tmp_path / "m", format="tflite")
    run = tf.lite.Interpreter(
        str(tmp_path / "m" / "model.tflite")
    ).get_signature_runner("tokens_32")
    ids = np.zeros((1, 32), "int32")
    ids[0, :5] = [2, token_of(trained, "aa"), 4, token_of(trained, "cc"), 3]
    found = run(
        token_ids=ids,
        segment_ids=ids * 0,
        padding_mask=(ids > 0).astype("int32"),
        mask_positions=np.array([[2] + [0] * 7], "int32"),
    )
    assert found["token_id"].shape == (1, 8, 3)
    assert found["token_id"][0, 0, 0] == token_of(trained, "bb")


@pytest.mark.slow
def test_a_dynamic_tflite_file_is_verified(trained, tmp_path):
    manifest = export(
        trained, tmp_path / "m", format="tflite", dynamic=True
    ).manifest
    assert manifest["verification"]["tokens"] <= 1e-5
    text = json.dumps(manifest["signatures"]["tokens"]["inputs"])
    assert '"mask_positions", "dtype": "int32", "shape": [1, null]' in text


def test_labels_are_refused():
    with pytest.raises(InputError, match="learns from texts alone"):
        make_model().fit(TEXTS, [0] * 5)


@pytest.mark.slow
def test_examples_need_no_labels():
    model = make_model()
    model.fit(MemoryExamples({"text": TEXTS}), validation_data=TEXTS, verbose=0)
    assert model.input_counts.num_examples == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mask_rate": 0}, "above 0 and below 1. Received: mask_rate=0.0"),
        ({"mask_rate": 1.0}, "above 0 and below 1"),
        ({"mask_rate": "0.1"}, "above 0 and below 1"),
        ({"mask_rate": float("nan")}, "above 0 and below 1"),
        ({"top_k": 0}, "at least 1. Received: top_k=0"),
        ({"top_k": True}, "at least 1. Received: top_k=True"),
    ],
)
def test_wrong_options_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        MaskedTokenHead(**arguments)
