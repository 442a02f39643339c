"""Fine-tuning MiniLM from raw text: examples a second, side by side.

    python -m benchmarks.finetune_sst2 [--rows 640] [--rounds 5]

Each contender trains on the same random sentences of SST-2, tokenization
included, float32, batches of 32: ours by `TaskModel.fit`, which groups texts
of like length; keras-hub's `BertTextClassifier` with its preprocessor at 128
tokens, as installed and with TensorFlow's oneDNN kernels turned on, as ours
has them; and a PyTorch loop that pads each random batch to its longest text.
A process each, two threads each, one pass in turn. `KBZ_PEERS_PYTHON` names
the interpreter with PyTorch.
"""

import argparse
import pathlib
import tempfile

from benchmarks import harness

CONTENDERS = ("keras_bert_zoo", "keras_hub", "keras_hub+oneDNN", "pytorch")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=640)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        directory = pathlib.Path(scratch) / "huggingface"
        export(directory)
        cell = {"num_rows": options.rows, "huggingface": str(directory)}
        with harness.children(
            "benchmarks.finetune_contenders", CONTENDERS, in_peers=("pytorch",)
        ) as children:
            timings = harness.compare(children, cell, options.rounds)
    found = {
        name: {
            "examples_per_second": options.rows / timing.median_seconds,
            "examples_per_cpu_second": (
                options.rows / timing.median_cpu_seconds
            ),
        }
        for name, timing in timings.items()
    }
    results = {
        "machine": harness.machine(),
        "num_rows": options.rows,
        "rounds": options.rounds,
        "contenders": found,
    }
    harness.write_result("finetune_sst2", results)
    print(report(results))


def export(directory: pathlib.Path) -> None:
    """Writes MiniLM with a new classification head for transformers."""
    import keras_bert_zoo as zoo

    model = zoo.TaskModel.from_preset(
        "minilm_l6_en_uncased",
        head="classification",
        labels=["0", "1"],
        pooling="cls",
    )
    model.save_to_preset(directory)


def report(results: dict) -> str:
    """Returns the table of the results."""
    found = results["contenders"]
    ours = found["keras_bert_zoo"]
    rows = [
        (
            name,
            *(f"{value:.1f}" for value in found[name].values()),
            *(f"{ours[key] / found[name][key]:.2f}" for key in ours),
        )
        for name in CONTENDERS
    ]
    header = (
        "contender",
        "examples/s",
        "examples/s of processor time",
        "ours, times as many",
        "ours, by processor time",
    )
    return harness.table(header, rows)


if __name__ == "__main__":
    main()
