"""Published pre-training checkpoints, and the losses of others on them."""

import os
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from checkpoint_parts import load_checkpoint

import keras_bert_zoo as zoo
from keras_bert_zoo import testing
from keras_bert_zoo.pretraining.objectives.masked_lm import MaskedLM

ROOT = pathlib.Path(__file__).parents[2]
RECORDED = ROOT / "tests/recorded/transformers/pretraining"
SHARED = pathlib.Path(os.environ.get("KBZ_SHARED", ROOT.parent / "shared"))


def surprise(logits, labels):
    chances = tf.nn.log_softmax(logits).numpy()
    return -np.take_along_axis(chances, labels[..., None], -1)[..., 0]


def test_losses_are_those_of_transformers():
    # As `BertForPreTraining` adds them up: the mean over the masked tokens of
    # the batch, and the mean over its pairs.
    recorded = dict(np.load(RECORDED / "outputs.npz"))
    checkpoint = load_checkpoint(RECORDED)
    tokenizer = testing.tiny_tokenizer(["a few words"])
    model = zoo.PretrainingModel(
        checkpoint.encoder, MaskedLM(), tokenizer, sequence_length=9
    )
    copied = model.objective.set_published_weights(
        model, {head.kind: head for head in checkpoint.heads}
    )
    assert copied == ["masked_lm", "next_sentence"]
    places = np.array([[1, 3, 5], [2, 0, 0]], "int32")
    weights = np.array([[1, 1, 1], [1, 0, 0]], "float32")
    labels = np.array([[7, 30, 11], [39, 0, 0]])
    pairs = np.array([1, 0])
    predictions = np.take_along_axis(
        recorded["prediction_logits"], places[..., None], 1
    )
    expected = np.sum(surprise(predictions, labels) * weights) / 4
    expected_pairs = surprise(recorded["next_sentence_logits"], pairs).mean()
    names = ("token_ids", "segment_ids", "padding_mask")
    inputs = {name: recorded[name] for name in names}
    inputs["mask_positions"] = places
    model.compile()
    found = model.evaluate(
        tf.data.Dataset.from_tensors(
            (
                inputs,
                {"masked_lm": labels, "next_sentence": pairs},
                {"masked_lm": weights, "next_sentence": np.ones(2, "float32")},
            )
        ),
        return_dict=True,
        verbose=0,
    )
    assert found["masked_lm_loss"] == pytest.approx(expected, abs=1e-5)
    assert found["next_sentence_loss"] == pytest.approx(
        expected_pairs, abs=1e-5
    )
    assert found["loss"] == pytest.approx(expected + expected_pairs, abs=1e-5)


def test_a_saved_model_gives_the_recorded_logits_again(tmp_path):
    recorded = dict(np.load(RECORDED / "outputs.npz"))
    checkpoint = load_checkpoint(RECORDED)
    tokenizer = testing.tiny_tokenizer(["a few words"])
    model = zoo.PretrainingModel(
        checkpoint.encoder, MaskedLM(), tokenizer, sequence_length=9
    )
    model.objective.set_published_weights(
        model, {head.kind: head for head in checkpoint.heads}
    )
    model.save_to_preset(tmp_path / "saved")
    again = zoo.PretrainingModel.from_preset(
        tmp_path / "saved", sequence_length=9
    )
    names = ("token_ids", "segment_ids", "padding_mask")
    everywhere = np.tile(np.arange(9, dtype="int32"), (2, 1))
    logits = again(
        {
            **{name: recorded[name] for name in names},
            "mask_positions": everywhere,
        }
    )
    for ours, theirs in (
        ("masked_lm", "prediction_logits"),
        ("next_sentence", "next_sentence_logits"),
    ):
        np.testing.assert_allclose(logits[ours], recorded[theirs], atol=1e-5)


@pytest.mark.slow
@pytest.mark.skipif(
    not (SHARED / "models").is_dir(),
    reason="the shared models are absent (KBZ_SHARED)",
)
def test_a_checkpoint_of_google_research_goes_on_with_both_heads():
    directory = SHARED / "models/tf1_bert_tiny"
    model = zoo.PretrainingModel.from_preset(directory, sequence_length=12)
    heads = {head.kind: head for head in load_checkpoint(directory).heads}
    for ours in model.objective.published_weights(model):
        theirs = heads[ours.kind].weights
        assert set(ours.weights) == set(theirs)
        for name, array in ours.weights.items():
            np.testing.assert_array_equal(array, theirs[name])
    corpus = zoo.Corpus(
        np.arange(5, 15, dtype="uint16"),
        np.array([0, 3, 5, 10]),
        np.array([0, 2, 3]),
        ["a", "b"],
    )
    found = model.evaluate(corpus, return_dict=True, verbose=0)
    assert np.isfinite(found["loss"])
