"""What must hold of each checkpoint that record_model_garden.py writes."""

import pathlib

import keras
import numpy as np
from checkpoint_parts import load_checkpoint

RECORDED = pathlib.Path(__file__).parent / "recorded/model_garden"
CASES = (
    "layer",
    "layer_factorised",
    "functional",
    "functional_factorised",
    "pretrainer",
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


def check_classifier(directory):
    checkpoint, found, recorded = check_encoder(directory)
    assert checkpoint.head.kind == "classification"
    weights = checkpoint.head.weights
    logits = found["pooled_output"] @ weights["kernel"] + weights["bias"]
    np.testing.assert_allclose(logits, recorded["logits"], atol=1e-5)
