"""What must hold of each checkpoint that record_model_garden.py writes."""

import pathlib

import keras
import numpy as np
import tensorflow as tf
from checkpoint_parts import load_checkpoint

import keras_bert_zoo as zoo
from keras_bert_zoo import testing

RECORDED = pathlib.Path(__file__).parent / "recorded/model_garden"
CASES = (
    "layer",
    "layer_factorised",
    "functional",
    "functional_factorised",
    "pretrainer",
    "pretraining",
    "classifier",
)
INPUTS = ("token_ids", "segment_ids", "padding_mask")
OUTPUTS = ("sequence_output", "pooled_output")


def check_encoder(directory):
    """Compares the encoder; returns its checkpoint, outputs and the record."""
    recorded = dict(np.load(directory / "outputs.npz"))
    checkpoint = load_checkpoint(directory)
    outputs = checkpoint.encoder({name: recorded[name] for name in INPUTS})
    found = {
        name: keras.ops.convert_to_numpy(outputs[name]) for name in OUTPUTS
    }
    for name in OUTPUTS:
        np.testing.assert_allclose(found[name], recorded[name], atol=1e-5)
    return checkpoint, found, recorded


def check_pretrainer(directory):
    checkpoint, _, recorded = check_encoder(directory)
    assert checkpoint.head.kind == "masked_lm"
    found = checkpoint.head.weights["output_bias"]
    np.testing.assert_array_equal(found, recorded["output_bias"])


def check_losses(directory):
    recorded = dict(np.load(directory / "outputs.npz"))
    checkpoint = load_checkpoint(directory)
    model = zoo.PretrainingModel(
        checkpoint.encoder,
        zoo.MaskedLM(),
        testing.tiny_tokenizer(["a b"]),
        sequence_length=6,
    )
    model.objective.set_published_weights(
        model, {head.kind: head for head in checkpoint.heads}
    )
    # The garden's own head pools anew, and is not read.
    model.get_layer("next_sentence").set_weights(
        [recorded["next_sentence_kernel"], recorded["next_sentence_bias"]]
    )
    model.compile()
    found = model.evaluate(
        tf.data.Dataset.from_tensors(
            (
                {key: recorded[key] for key in (*INPUTS, "mask_positions")},
                {
                    "masked_lm": recorded["mask_originals"],
                    "next_sentence": recorded["pairs"],
                },
                {
                    "masked_lm": recorded["mask_weights"],
                    "next_sentence": np.ones(2, "float32"),
                },
            )
        ),
        return_dict=True,
        verbose=0,
    )
    for name in ("masked_lm_loss", "next_sentence_loss"):
        np.testing.assert_allclose(found[name], recorded[name], atol=1e-5)


def check_classifier(directory):
    checkpoint, found, recorded = check_encoder(directory)
    assert checkpoint.head.kind == "classification"
    weights = checkpoint.head.weights
    logits = found["pooled_output"] @ weights["kernel"] + weights["bias"]
    np.testing.assert_allclose(logits, recorded["logits"], atol=1e-5)
