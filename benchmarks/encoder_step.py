"""Forward pass and training step of four encoders, side by side.

    python -m benchmarks.encoder_step [--rounds 7] [--bfloat16-rounds 3]

The architecture is MiniLM-L6's (6 layers, width 384, 12 heads) with random
weights; a training step updates all weights by AdamW, dropout 0.1 on. Each
contender has a process of its own and two threads; they take turns. Prints
examples/s by the median step, and the share of the rate at which the machine
multiplies two matrices of the feed-forward part. The TensorFlow peers run
twice: as they are installed, and with TensorFlow's oneDNN kernels turned on,
which this project does by itself. Every cell is kept when it is measured:
started again, the script goes on where it stopped. `KBZ_PEERS_PYTHON` names
the interpreter with PyTorch and transformers, `KBZ_GARDEN_PYTHON` the one
with tf-models-official.
"""

import argparse
import itertools
import json
from collections.abc import Sequence

from benchmarks import harness
from benchmarks.encoder_contenders import batches

TENSORFLOW_PEERS = ("keras_hub", "model_garden")
ONEDNN_PEERS = ("keras_hub+oneDNN", "model_garden+oneDNN")
CONTENDERS = ("keras_bert_zoo", *TENSORFLOW_PEERS, *ONEDNN_PEERS, "pytorch")
KEYS = ("step", "dtype", "batch", "length")
SIZES = ((16, 128), (32, 32), (8, 384))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--bfloat16-rounds", type=int, default=3)
    parser.add_argument(
        "--without",
        default="",
        metavar="NAME[,NAME]",
        help="contenders to leave out of the cells still to be measured",
    )
    parser.add_argument(
        "--afresh", action="store_true", help="forget earlier cells"
    )
    options = parser.parse_args()
    left_out = options.without.split(",")
    names = [name for name in CONTENDERS if name not in left_out]
    rounds = {
        "float32": options.rounds,
        "bfloat16": options.bfloat16_rounds,
    }
    results = {"machine": harness.machine(), "cells": []}
    earlier = harness.RESULTS / "encoder_step.json"
    if earlier.is_file() and not options.afresh:
        results = json.loads(earlier.read_text("utf-8"))
    measured = [{key: cell[key] for key in KEYS} for cell in results["cells"]]
    for dtype, step, size in itertools.product(
        rounds, ("forward", "training"), SIZES
    ):
        cell = dict(zip(KEYS, (step, dtype, *size), strict=True))
        if cell in measured:
            continue
        key = f"{dtype}_multiply_adds_per_second"
        if key not in results:
            results[key] = _matrix_rate(dtype)
        found = _measure(cell, names, rounds[dtype], results[key])
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
        share = found["keras_bert_zoo"]["share_of_matrix_rate"]
        rows.append(
            (
                cell["step"],
                cell["dtype"],
                f"{cell['batch']} x {cell['length']}",
                *(
                    f"{speed[name]:.1f}" if name in speed else "-"
                    for name in CONTENDERS
                ),
                f"{share:.2f}",
                *(
                    _ratio(speed, peers)
                    for peers in (TENSORFLOW_PEERS, ONEDNN_PEERS, ("pytorch",))
                ),
            )
        )
    return harness.table(header, rows)


def _ratio(speed: dict, peers: Sequence[str]) -> str:
    known = [speed[name] for name in peers if name in speed]
    return f"{speed['keras_bert_zoo'] / max(known):.2f}" if known else "-"


def _matrix_rate(dtype: str) -> float:
    """Multiplications a second in one matrix product, at its best."""
    name = "benchmarks.encoder_contenders.matrix_rate"
    with harness.Child(name) as child:
        timing = child.measure({"dtype": dtype}, repeats=100)
    return batches.MATRIX_PRODUCT / min(timing.seconds)


def _measure(
    cell: dict, names: Sequence[str], rounds: int, rate: float
) -> dict:
    with harness.children(
        "benchmarks.encoder_contenders",
        names,
        in_peers=("pytorch",),
        in_garden=("model_garden",),
    ) as children:
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
