"""Runs `transformers` on PyTorch, to compare with.

Needs torch, transformers and safetensors, and nothing of this project:

    python benchmarks/peers/record_transformers.py record tests/recorded
    python benchmarks/peers/record_transformers.py serve

`record` writes random BERTs of several shapes and what they answer, for the
default test suite; with `--minilm DIRECTORY`, also what MiniLM answers.
`serve` reads lines of three paths from standard input: a model that this
project saved, its inputs, and where to write its outputs, both `.npz`; it
answers each with a line.
"""

import argparse
import json
import pathlib
import re
import sys

import numpy as np
import torch
import transformers

ACTIVATIONS = (
    "gelu",
    "gelu_new",
    "gelu_pytorch_tanh",
    "gelu_fast",
    "gelu_python",
    "gelu_accurate",
    "gelu_python_tanh",
    "relu",
    "silu",
    "swish",
    "tanh",
    "linear",
)

# Different in everything that the mapping of variables depends on.
SHAPES = {
    "two_layers": {
        "vocab_size": 40,
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 20,
        "type_vocab_size": 2,
        "layer_norm_eps": 1e-12,
    },
    "one_wide_layer": {
        "vocab_size": 31,
        "hidden_size": 24,
        "num_hidden_layers": 1,
        "num_attention_heads": 4,
        "intermediate_size": 8,
        "max_position_embeddings": 12,
        "type_vocab_size": 3,
        "layer_norm_eps": 1e-2,
    },
    "three_single_heads": {
        "vocab_size": 23,
        "hidden_size": 8,
        "num_hidden_layers": 3,
        "num_attention_heads": 1,
        "intermediate_size": 48,
        "max_position_embeddings": 16,
        "type_vocab_size": 2,
        "layer_norm_eps": 1e-5,
    },
}

LABELS = {0: "no", 1: "maybe", 2: "yes"}

# Name -> class, shape, and further options.
HEADS = {
    "classifier": (
        transformers.BertForSequenceClassification,
        "two_layers",
        {"id2label": LABELS},
    ),
    "tagger": (
        transformers.BertForTokenClassification,
        "two_layers",
        {"id2label": LABELS},
    ),
    "question_answerer": (
        transformers.BertForQuestionAnswering,
        "two_layers",
        {},
    ),
    "pretraining": (transformers.BertForPreTraining, "two_layers", {}),
    "masked_lm": (
        transformers.BertForMaskedLM,
        "one_wide_layer",
        {"hidden_act": "gelu_new"},
    ),
}


def random_model(model_class, shape: dict, seed: int, **options):
    """Returns a model whose every parameter, biases too, matters."""
    # Eager attention: the plain formula.
    config = transformers.BertConfig(
        **shape, **options, attn_implementation="eager"
    )
    model = model_class(config).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            noise = torch.randn(parameter.shape, generator=generator)
            gain = name.endswith("LayerNorm.weight")
            parameter.copy_(0.4 * noise + (1.0 if gain else 0.0))
    return model


def random_inputs(shape: dict, padded: bool, seed: int) -> dict:
    """Returns inputs under our names, two rows of 9 tokens."""
    generator = np.random.default_rng(seed)
    size = (2, 9)
    mask = np.ones(size, np.int32)
    if padded:
        mask[0, 6:] = 0
        mask[1, 3:] = 0
    return {
        "token_ids": generator.integers(
            0, shape["vocab_size"], size, dtype=np.int32
        ),
        "segment_ids": generator.integers(
            0, shape["type_vocab_size"], size, dtype=np.int32
        ),
        "padding_mask": mask,
    }


def outputs(model, inputs: dict) -> dict:
    """Returns what a model answers, under our names; with labels, its loss."""
    options = {}
    if "labels" in inputs:
        options["labels"] = torch.tensor(inputs["labels"]).long()
    with torch.no_grad():
        answer = model(
            input_ids=torch.tensor(inputs["token_ids"]).long(),
            token_type_ids=torch.tensor(inputs["segment_ids"]).long(),
            attention_mask=torch.tensor(inputs["padding_mask"]).long(),
            **options,
        )
    names = {
        "loss": "loss",
        "last_hidden_state": "sequence_output",
        "pooler_output": "pooled_output",
        "logits": "logits",
        "prediction_logits": "prediction_logits",
        "seq_relationship_logits": "next_sentence_logits",
        "start_logits": "start_logits",
        "end_logits": "end_logits",
    }
    return {
        ours: answer[theirs].numpy()
        for theirs, ours in names.items()
        if answer.get(theirs) is not None
    }


def record(directory: pathlib.Path, minilm: str | None) -> None:
    directory = directory / "transformers"
    for seed, (name, shape) in enumerate(SHAPES.items()):
        model = random_model(transformers.BertModel, shape, seed)
        model.save_pretrained(directory / name)
        recorded = {}
        for padded in (False, True):
            inputs = random_inputs(shape, padded, seed)
            kind = "padded" if padded else "whole"
            for key, value in inputs.items():
                recorded[f"{kind}/{key}"] = value
            for activation in ACTIVATIONS if padded else ("gelu",):
                for layer in model.encoder.layer:
                    layer.intermediate.intermediate_act_fn = (
                        transformers.activations.ACT2FN[activation]
                    )
                for key, value in outputs(model, inputs).items():
                    recorded[f"{kind}/{activation}/{key}"] = value
        np.savez_compressed(directory / name / "outputs.npz", **recorded)
    for name, (model_class, shape, options) in HEADS.items():
        inputs = random_inputs(SHAPES[shape], True, 7)
        model = random_model(model_class, SHAPES[shape], 5, **options)
        model.save_pretrained(directory / name)
        recorded = {**inputs, **outputs(model, inputs)}
        np.savez_compressed(directory / name / "outputs.npz", **recorded)
    if minilm:
        model = transformers.BertModel.from_pretrained(
            minilm, attn_implementation="eager"
        ).eval()
        inputs = random_inputs(model.config.to_dict(), True, 11)
        recorded = {**inputs, **outputs(model, inputs)}
        (directory / "minilm").mkdir(exist_ok=True)
        np.savez_compressed(directory / "minilm" / "outputs.npz", **recorded)


def run(model: str, inputs: str, target: str) -> None:
    """Writes a model's outputs.

    Inputs may hold `texts` to tokenize, and `labels` to compute a loss of.
    """
    config = json.loads((pathlib.Path(model) / "config.json").read_text())
    # As a user would open it: AutoModel, AutoModelForMaskedLM, ...
    task = re.fullmatch("[A-Z][a-z]+(Model)?(.*)", config["architectures"][0])[
        2
    ]
    model_class = getattr(transformers, f"AutoModel{task}")
    loaded = model_class.from_pretrained(
        model, attn_implementation="eager"
    ).eval()
    arrays = dict(np.load(inputs))
    texts = arrays.pop("texts", None)
    answers = outputs(loaded, arrays)
    if texts is not None:
        tokenizer = transformers.AutoTokenizer.from_pretrained(model)
        ids = tokenizer([str(text) for text in texts], add_special_tokens=False)
        answers["text_ids"] = np.concatenate(ids["input_ids"]).astype(np.int32)
    labels = loaded.config.id2label
    answers["labels"] = np.array([labels[index] for index in sorted(labels)])
    np.savez(target, **answers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    recording = verbs.add_parser("record")
    recording.add_argument("directory", type=pathlib.Path)
    recording.add_argument("--minilm")
    verbs.add_parser("serve")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.verb == "record":
        record(options.directory, options.minilm)
        return
    for line in sys.stdin:
        run(*line.rstrip("\n").split("\t"))
        print("done", flush=True)


if __name__ == "__main__":
    main()
