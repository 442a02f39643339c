"""From a raw string to a label: our SavedModel beside ONNX Runtime.

    python -m benchmarks.serving [--rounds 30]

The same MiniLM classifier: a SavedModel whose tokenizer is made of TensorFlow's
own operations, one that uses tensorflow-text's, each as installed and with
TensorFlow's oneDNN kernels turned on, and ONNX Runtime behind Hugging Face's
tokenizers. Two threads each, a process each, in turns. Texts are sentences of
SST-2 (25 tokens on average) and texts of over 128 tokens made of them,
truncated to 128. Prints milliseconds per request, by the median.
`KBZ_PEERS_PYTHON` names the interpreter with onnxruntime.
"""

import argparse
import csv
import gzip
import pathlib
import tempfile

from benchmarks import harness

SAVED_MODELS = (
    "saved_model_graph",
    "saved_model_fast",
    "saved_model_graph+oneDNN",
    "saved_model_fast+oneDNN",
)
CONTENDERS = (*SAVED_MODELS, "onnx_runtime")
SEQUENCE_LENGTH = 128
NUM_REQUESTS = 10


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    results = {"machine": harness.machine(), "cells": []}
    with tempfile.TemporaryDirectory() as scratch:
        artifacts = export(pathlib.Path(scratch))
        with harness.children(
            "benchmarks.serving_contenders",
            CONTENDERS,
            in_peers=("onnx_runtime",),
        ) as children:
            for kind in ("sentence", "128 tokens"):
                for size in (1, 32):
                    cell = {**artifacts, "texts": batches(kind, size)}
                    timings = harness.compare(children, cell, rounds)
                    results["cells"].append(
                        {
                            "text": kind,
                            "batch": size,
                            "milliseconds": {
                                name: timing.median_seconds * 1000
                                for name, timing in timings.items()
                            },
                            "cpu_milliseconds": {
                                name: timing.median_cpu_seconds * 1000
                                for name, timing in timings.items()
                            },
                        }
                    )
    harness.write_result("serving", results)
    print(report(results))


def export(scratch: pathlib.Path) -> dict:
    """Writes the model for every contender, returns where."""
    import keras

    import keras_bert_zoo as zoo

    keras.utils.set_random_seed(1)
    model = zoo.TaskModel.from_preset(
        "minilm_l6_en_uncased",
        head="classification",
        labels=["negative", "positive"],
        pooling="cls",
        sequence_length=SEQUENCE_LENGTH,
    )
    places = {"sequence_length": SEQUENCE_LENGTH}
    for engine in ("graph", "fast"):
        places[engine] = str(scratch / engine)
        zoo.export(
            model, places[engine], "saved_model", tokenizer_engine=engine
        )
    places["huggingface"] = str(scratch / "huggingface")
    model.save_to_preset(places["huggingface"])
    return places


def batches(kind: str, size: int) -> list[list[str]]:
    """Returns requests of `size` texts each."""
    path = harness.shared_directory() / "data" / "sst2" / "train.tsv.gz"
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        rows = csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
        sentences = [row["sentence"] for row, _ in zip(rows, range(4000))]
    joined = 1 if kind == "sentence" else 12
    texts = [
        " ".join(sentences[start : start + joined])
        for start in range(0, NUM_REQUESTS * size * joined, joined)
    ]
    return [texts[start : start + size] for start in range(0, len(texts), size)]


def report(results: dict) -> str:
    """Returns the table of the results."""
    rows = []
    for cell in results["cells"]:
        times = cell["milliseconds"]
        ours = min(times[name] for name in SAVED_MODELS)
        rows.append(
            (
                cell["text"],
                str(cell["batch"]),
                *(f"{times[name]:.1f}" for name in CONTENDERS),
                f"{times['onnx_runtime'] / ours:.2f}",
            )
        )
    header = ("text", "batch", *CONTENDERS, "ONNX Runtime / ours")
    return harness.table(header, rows)


if __name__ == "__main__":
    main()
