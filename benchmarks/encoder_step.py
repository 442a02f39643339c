"""Forward pass and training step of four encoders, side by side.

    python -m benchmarks.encoder_step [--rounds 7] [--bfloat16-rounds 3]

The architecture is MiniLM-L6's (6 layers, width 384, 12 heads) with random
weights; a training step updates all weights by AdamW, dropout 0.1 on. Each
contender has a process of its own and two threads; they take turns. Prints
examples/s by the median step, and the share of the rate at which the machine
multiplies two matrices of the feed-forward part. The TensorFlow peers run
twice: as they are installed, and with TensorFlow's oneDNN kernels turned on,
which this project does by itself. `KBZ_PEERS_PYTHON` names the interpreter
with PyTorch and transformers.
"""

import argparse
import contextlib
import itertools
import sys

from benchmarks import harness
from benchmarks.encoder_contenders import batches

TENSORFLOW_PEERS = ("keras_hub", "model_garden")
ONEDNN_PEERS = ("keras_hub+oneDNN", "model_garden+oneDNN")
CONTENDERS = ("keras_bert_zoo", *TENSORFLOW_PEERS, *ONEDNN_PEERS, "pytorch")
SIZES = ((16, 128), (32, 32), (8, 384))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--bfloat16-rounds", type=int, default=3)
    options = parser.parse_args()
    rounds = {
        "float32": options.rounds,
        "bfloat16": options.bfloat16_rounds,
    }
    results = {"machine": harness.machine(), "cells": []}
    for dtype, num_rounds in rounds.items():
        rate = _matrix_rate(dtype)
        results[f"{dtype}_multiply_adds_per_second"] = round(rate)
        for step, size in itertools.product(("forward", "training"), SIZES):
            cell = {
                "step": step,
                "dtype": dtype,
                "batch": size[0],
                "length": size[1],
            }
            found = _measure(cell, num_rounds, rate)
            results["cells"].append({**cell, "contenders": found})
            harness.write_result("encoder_step", results)
    print(report(results))


def report(results: dict) -> str:
    """Returns the table of the results."""
    header = (
        "step",
        "type",
        "batch x length",
        *CONTENDERS,
        "share of peak",
        "to best TF",
        "to best TF with oneDNN",
        "to PyTorch",
    )
    rows = []
    for cell in results["cells"]:
        found = cell["contenders"]
        speed = {name: found[name]["examples_per_second"] for name in found}
        ours = speed["keras_bert_zoo"]
        share = found["keras_bert_zoo"]["share_of_matrix_rate"]
        best = max(speed[name] for name in TENSORFLOW_PEERS)
        onednn = max(speed[name] for name in ONEDNN_PEERS)
        rows.append(
            (
                cell["step"],
                cell["dtype"],
                f"{cell['batch']} x {cell['length']}",
                *(f"{speed[name]:.1f}" for name in CONTENDERS),
                f"{share:.2f}",
                f"{ours / best:.2f}",
                f"{ours / onednn:.2f}",
                f"{ours / speed['pytorch']:.2f}",
            )
        )
    return harness.table(header, rows)


def _matrix_rate(dtype: str) -> float:
    """Multiplications a second in one matrix product, at its best."""
    name = "benchmarks.encoder_contenders.matrix_rate"
    with harness.Child(name) as child:
        timing = child.measure({"dtype": dtype}, repeats=100)
    return batches.MATRIX_PRODUCT / min(timing.seconds)


def _child(contender: str) -> harness.Child:
    module, _, onednn = contender.partition("+")
    return harness.Child(
        f"benchmarks.encoder_contenders.{module}",
        harness.peers_python() if module == "pytorch" else sys.executable,
        settings={"TF_ENABLE_ONEDNN_OPTS": "1"} if onednn else None,
    )


def _measure(cell: dict, rounds: int, rate: float) -> dict:
    with contextlib.ExitStack() as stack:
        children = {
            name: stack.enter_context(_child(name)) for name in CONTENDERS
        }
        timings = harness.compare(children, cell, rounds)
    return {
        name: {
            "examples_per_second": cell["batch"] / timing.median_seconds,
            "fastest_examples_per_second": cell["batch"] / min(timing.seconds),
            "examples_per_cpu_second": cell["batch"]
            / timing.median_cpu_seconds,
            "share_of_matrix_rate": batches.multiply_adds(cell)
            / timing.median_seconds
            / rate,
        }
        for name, timing in timings.items()
    }


if __name__ == "__main__":
    main()
