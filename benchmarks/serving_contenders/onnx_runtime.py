"""The same weights in ONNX Runtime, behind Hugging Face's tokenizers."""

import itertools
import json
import pathlib

import numpy as np
import onnxruntime
import tokenizers
import torch
import transformers

from benchmarks import harness


def prepare(cell: dict):
    source = pathlib.Path(cell["huggingface"])
    path = source / "model.onnx"
    if not path.exists():
        convert(source, path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = harness.NUM_THREADS
    session = onnxruntime.InferenceSession(path, options)
    tokenizer = tokenizers.BertWordPieceTokenizer(
        str(source / "vocab.txt"), lowercase=True
    )
    tokenizer.enable_truncation(cell["sequence_length"])
    tokenizer.enable_padding()
    config = json.loads((source / "config.json").read_text("utf-8"))
    labels = [label for _, label in sorted(config["id2label"].items())]
    requests = itertools.cycle(cell["texts"])

    def work():
        encoded = tokenizer.encode_batch(next(requests))
        (logits,) = session.run(
            ["logits"],
            {
                "input_ids": np.array([e.ids for e in encoded]),
                "attention_mask": np.array([e.attention_mask for e in encoded]),
                "token_type_ids": np.array([e.type_ids for e in encoded]),
            },
        )
        return [labels[index] for index in logits.argmax(-1)]

    return work


def convert(source: pathlib.Path, path: pathlib.Path) -> None:
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        source, attn_implementation="eager"
    ).eval()
    names = ["input_ids", "attention_mask", "token_type_ids"]
    axes = {0: "batch", 1: "length"}
    with torch.no_grad():
        torch.onnx.export(
            model,
            tuple(torch.ones(2, 16, dtype=torch.long) for _ in names),
            path,
            input_names=names,
            output_names=["logits"],
            dynamic_axes={**{n: axes for n in names}, "logits": {0: "batch"}},
            opset_version=17,
            dynamo=False,
        )


if __name__ == "__main__":
    harness.serve(prepare)
