"""Runs encoders of tf-models-official, to compare with.

Needs tf-models-official, and nothing of this project:

    python benchmarks/peers/record_model_garden.py tests/recorded

Writes tiny random encoders, alone and inside of a pre-trainer and of a
classifier, and what they answer: each has a directory with a checkpoint,
`model.ckpt`, and `outputs.npz`, its inputs and outputs under our names.
"""

import argparse
import pathlib

import numpy as np
import tensorflow as tf
from official.nlp.modeling import models
from official.nlp.modeling import networks

SIZES = {
    "vocab_size": 13,
    "hidden_size": 8,
    "num_layers": 2,
    "num_attention_heads": 2,
    "max_sequence_length": 10,
    "type_vocab_size": 2,
    "inner_dim": 12,
}
SMALLER = {"num_layers": 1}
FACTORISED = {"num_layers": 1, "embedding_width": 4}
# Our names -> those of the model garden.
NAMES = {
    "token_ids": "input_word_ids",
    "segment_ids": "input_type_ids",
    "padding_mask": "input_mask",
}


def random_inputs() -> dict:
    """Returns inputs under our names: two rows of 6 tokens, one padded."""
    generator = np.random.default_rng(1)
    size = (2, 6)
    mask = np.ones(size, np.int32)
    mask[1, 4:] = 0
    return {
        "token_ids": generator.integers(
            0, SIZES["vocab_size"], size, dtype=np.int32
        ),
        "segment_ids": generator.integers(
            0, SIZES["type_vocab_size"], size, dtype=np.int32
        ),
        "padding_mask": mask,
    }


def answer(model, inputs: dict):
    return model({NAMES[name]: value for name, value in inputs.items()})


def randomize(model):
    """Makes every weight matter, biases too."""
    generator = np.random.default_rng(4)
    for weight in model.weights:
        noise = 0.4 * generator.standard_normal(weight.shape)
        weight.assign(noise + float("gamma" in weight.name))
    return model


def layer(**options):
    encoder = networks.BertEncoderV2(**{**SIZES, **options})
    answer(encoder, random_inputs())
    return randomize(encoder)


def functional(**options):
    return randomize(networks.BertEncoder(**{**SIZES, **options}))


def pretrainer():
    """Returns what is saved of a pre-trainer, as published, and answered."""
    encoder = functional(dict_outputs=True, **SMALLER)
    model = models.BertPretrainerV2(encoder_network=encoder)
    model(model.inputs)
    randomize(model)
    (bias,) = [w for w in model.weights if "output_bias" in w.name]
    # Encoder and head stand beside the model that holds them too.
    saved = {"model": model, **model.checkpoint_items}
    outputs = answer(encoder, random_inputs())
    return saved, {**outputs, "output_bias": bias}


def classifier():
    """Returns what is saved of a classifier, and answered."""
    encoder = functional(dict_outputs=False, **SMALLER)
    model = randomize(models.BertClassifier(encoder, num_classes=3))
    inputs = random_inputs()
    sequence, pooled = answer(encoder, inputs)
    outputs = {
        "sequence_output": sequence,
        "pooled_output": pooled,
        "logits": answer(model, inputs),
    }
    return {"model": model}, outputs


def encoder_alone(encoder):
    outputs = answer(encoder, random_inputs())
    return {"encoder": encoder}, outputs


CASES = {
    "layer": lambda: encoder_alone(layer()),
    "layer_factorised": lambda: encoder_alone(layer(**FACTORISED)),
    "functional": lambda: encoder_alone(functional(dict_outputs=True)),
    "functional_factorised": lambda: encoder_alone(
        functional(dict_outputs=True, **FACTORISED)
    ),
    "pretrainer": pretrainer,
    "classifier": classifier,
}
RECORDED = ("sequence_output", "pooled_output", "output_bias", "logits")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=pathlib.Path)
    options = parser.parse_args()
    for name, make in CASES.items():
        saved, outputs = make()
        target = options.directory / "model_garden" / name
        target.mkdir(parents=True, exist_ok=True)
        tf.train.Checkpoint(**saved).write(str(target / "model.ckpt"))
        values = {
            key: outputs[key].numpy() for key in RECORDED if key in outputs
        }
        np.savez_compressed(target / "outputs.npz", **random_inputs(), **values)


if __name__ == "__main__":
    main()
