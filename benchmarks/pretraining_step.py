"""A masked-LM training step of three libraries, side by side.

    python -m benchmarks.pretraining_step [--rounds 5]

MiniLM-L6's sizes with random weights and a vocabulary of 30,522; AdamW, dropout
0.1, 15 % of the tokens hidden. Each contender has a process of its own and two
threads; they take turns. Prints tokens a second by the median step.
`KBZ_PEERS_PYTHON` names the interpreter with PyTorch and transformers.
"""

import argparse

from benchmarks import harness

CONTENDERS = ("keras_bert_zoo", "keras_hub", "keras_hub+oneDNN", "pytorch")
CELLS = tuple(
    {"dtype": dtype, "batch": 16, "length": 128}
    for dtype in ("float32", "mixed_bfloat16")
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    results = {"machine": harness.machine(), "cells": []}
    for cell in CELLS:
        with harness.children(
            "benchmarks.pretraining_contenders",
            CONTENDERS,
            in_peers=["pytorch"],
        ) as children:
            found = harness.compare(children, cell, options.rounds)
        tokens = cell["batch"] * cell["length"]
        speeds = {
            name: tokens / timing.median_seconds
            for name, timing in found.items()
        }
        results["cells"].append({**cell, "tokens_per_second": speeds})
        harness.write_result("pretraining_step", results)
    rows = [
        (
            name,
            *(
                f"{cell['tokens_per_second'][name]:.0f}"
                for cell in results["cells"]
            ),
        )
        for name in CONTENDERS
    ]
    header = ("tokens/s", *(cell["dtype"] for cell in CELLS))
    print(harness.table(header, rows))


if __name__ == "__main__":
    main()
