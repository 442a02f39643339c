"""Runs encoders of tf-models-official, to compare with.

Needs tf-models-official, and nothing of this project:

    python benchmarks/peers/record_model_garden.py tests/recorded

Writes tiny random encoders, alone and inside of pre-trainers and of a
classifier, and what they answer: each has a directory with a checkpoint,
`model.ckpt`, and `outputs.npz`, its inputs and outputs under our names.
"""

import argparse
import pathlib
import sys
import types

import numpy as np
import tensorflow as tf
from packaging import version

# What tensorflow_hub asks of it; setuptools no longer has it.
sys.modules["pkg_resources"] = types.SimpleNamespace(
    parse_version=version.parse
)

from official.modeling import tf_utils  # noqa: E402
from official.nlp.data import pretrain_dataloader  # noqa: E402
from official.nlp.modeling import layers  # noqa: E402
from official.nlp.modeling import models  # noqa: E402
from official.nlp.modeling import networks  # noqa: E402
from official.nlp.tasks import masked_lm  # noqa: E402

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


def pretraining():
    """Returns what is saved of a pre-trainer of pairs, and its losses."""
    encoder = functional(dict_outputs=True, **SMALLER)
    head = layers.ClassificationHead(
        SIZES["hidden_size"], num_classes=2, name="next_sentence"
    )
    model = models.BertPretrainerV2(
        encoder_network=encoder,
        # As the garden's configuration of pre-training has it.
        mlm_activation=tf_utils.get_activation("gelu"),
        classification_heads=[head],
    )
    batch = {
        "mask_positions": np.array([[1, 3, 5], [2, 0, 0]], np.int32),
        "mask_originals": np.array([[7, 12, 11], [3, 0, 0]], np.int32),
        "mask_weights": np.array([[1, 1, 1], [1, 0, 0]], np.float32),
        "pairs": np.array([1, 0], np.int32),
    }
    inputs = {NAMES[name]: value for name, value in random_inputs().items()}
    inputs["masked_lm_positions"] = batch["mask_positions"]
    model(inputs)
    randomize(model)
    # As in BERT: the head reads what the encoder has pooled.
    pooler = [w for w in encoder.weights if "pooler" in w.name]
    for weight, value in zip(head.dense.weights, pooler, strict=True):
        weight.assign(value)
    outputs = model(inputs)
    task = masked_lm.MaskedLMTask(
        masked_lm.MaskedLMConfig(
            train_data=pretrain_dataloader.BertPretrainDataConfig(
                use_next_sentence_label=True
            )
        )
    )
    metrics = task.build_metrics(training=False)
    task.build_losses(
        {
            "masked_lm_ids": batch["mask_originals"],
            "masked_lm_weights": batch["mask_weights"],
            "next_sentence_labels": batch["pairs"],
        },
        outputs,
        metrics,
    )
    losses = {one.name: one.result() for one in metrics}
    kernel, bias = head.out_proj.weights
    saved = {"model": model, **model.checkpoint_items}
    return saved, {
        **outputs,
        **batch,
        "next_sentence_kernel": kernel,
        "next_sentence_bias": bias,
        "masked_lm_loss": losses["lm_example_loss"],
        "next_sentence_loss": losses["next_sentence_loss"],
    }


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
    "pretraining": pretraining,
    "classifier": classifier,
}
RECORDED = (
    "sequence_output",
    "pooled_output",
    "output_bias",
    "logits",
    "mask_positions",
    "mask_originals",
    "mask_weights",
    "pairs",
    "next_sentence_kernel",
    "next_sentence_bias",
    "masked_lm_loss",
    "next_sentence_loss",
)


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
            key: np.asarray(outputs[key]) for key in RECORDED if key in outputs
        }
        np.savez_compressed(target / "outputs.npz", **random_inputs(), **values)


if __name__ == "__main__":
    main()
