"""A masked-LM training step of four libraries, side by side.

    python -m benchmarks.pretraining_step [--rounds 5]

MiniLM-L6's sizes with random weights and a vocabulary of 30,522; AdamW, dropout
0.1, 15 % of the tokens masked. Each contender has a process of its own and two
threads; they take turns. Prints tokens a second by the median step, and of
processor time. `KBZ_PEERS_PYTHON` names the interpreter with PyTorch and
transformers, `KBZ_GARDEN_PYTHON` that with zeromodels.
"""

import argparse

from benchmarks import harness

CONTENDERS = (
    "keras_bert_zoo",
    "keras_hub",
    "keras_hub+oneDNN",
    "zeromodels",
    "zeromodels+oneDNN",
    "pytorch",
)
SHAPE = {"batch": 16, "length": 128}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dtypes", default="float32,mixed_bfloat16")
    options = parser.parse_args()
    results = {"machine": harness.machine(), "cells": []}
    for dtype in options.dtypes.split(","):
        cell = {"dtype": dtype, **SHAPE}
        with harness.children(
            "benchmarks.pretraining_contenders",
            CONTENDERS,
            in_peers=["pytorch"],
            in_garden=["zeromodels"],
        ) as children:
            found = harness.compare(children, cell, options.rounds)
        tokens = cell["batch"] * cell["length"]
        results["cells"].append(
            {
                **cell,
                "tokens_per_second": {
                    name: tokens / timing.median_seconds
                    for name, timing in found.items()
                },
                "tokens_per_cpu_second": {
                    name: tokens / timing.median_cpu_seconds
                    for name, timing in found.items()
                },
            }
        )
        harness.write_result("pretraining_step", results)
    columns = [
        (cell, unit)
        for cell in results["cells"]
        for unit in ("tokens_per_second", "tokens_per_cpu_second")
    ]
    rows = [
        (name, *(f"{cell[unit][name]:.0f}" for cell, unit in columns))
        for name in CONTENDERS
    ]
    header = ("", *(f"{cell['dtype']} {unit}" for cell, unit in columns))
    print(harness.table(header, rows))


if __name__ == "__main__":
    main()
