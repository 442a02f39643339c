"""How long the first training step takes, and how much memory any takes.

    python -m benchmarks.first_step [--rounds 3] [--afresh]

BERT-base with random weights, float32, AdamW, dropout 0.1. Measured is what
a user waits for: from `compile` to the end of the first step of `fit`, in a
new process each time, turn by turn; then the median of further steps; and the
most memory that the process has held. keras-hub has neither tagging nor span
QA: there its backbone bears the layers that its users would write. Every cell
is kept when it is measured.
"""

import argparse
import json
import statistics
import subprocess
import sys

from benchmarks import harness

CONTENDERS = ("keras_bert_zoo", "keras_hub")
CELLS = tuple(
    {"head": head, "batch": batch, "length": length}
    for batch, length in ((8, 128), (2, 384))
    for head in ("classification", "tagging", "span_qa", "masked_lm")
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--afresh", action="store_true", help="forget earlier cells"
    )
    options = parser.parse_args()
    results = {
        "machine": harness.machine(),
        "rounds": options.rounds,
        "cells": [],
    }
    earlier = harness.RESULTS / "first_step.json"
    if earlier.is_file() and not options.afresh:
        results = json.loads(earlier.read_text("utf-8"))
    measured = [
        {key: cell[key] for key in CELLS[0]} for cell in results["cells"]
    ]
    for cell in CELLS:
        if cell in measured:
            continue
        found = _measure(cell, options.rounds)
        results["cells"].append({**cell, "contenders": found})
        harness.write_result("first_step", results)
    print(report(results))


def _measure(cell: dict, rounds: int) -> dict:
    runs = {name: [] for name in CONTENDERS}
    for turn in range(rounds):
        for name in CONTENDERS[:: 1 if turn % 2 == 0 else -1]:
            runs[name].append(_run(name, cell))
    return {
        name: {
            key: statistics.median(one[key] for one in found)
            for key in found[0]
        }
        for name, found in runs.items()
    }


def _run(name: str, cell: dict) -> dict:
    module = f"benchmarks.first_step_contenders.{name}"
    done = subprocess.run(
        [sys.executable, "-m", module, json.dumps(cell)],
        cwd=harness.ROOT,
        env=harness.environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def report(results: dict) -> str:
    """Returns the table of the results."""
    rows = []
    for cell in results["cells"]:
        ours, theirs = (cell["contenders"][name] for name in CONTENDERS)
        row = [cell["head"], f"{cell['batch']} x {cell['length']}"]
        for key, form in (
            ("first_seconds", "{:.1f}"),
            ("further_seconds", "{:.2f}"),
            ("peak_bytes", "{:.2f}"),
        ):
            scale = 2**30 if key == "peak_bytes" else 1
            row += [form.format(one[key] / scale) for one in (ours, theirs)]
            row.append(f"{ours[key] / theirs[key]:.2f}")
        rows.append(row)
    header = ["head", "batch x length"]
    for measure in ("first step, s", "further, s", "peak, GiB"):
        header += [measure, "keras-hub", "ratio"]
    return harness.table(header, rows)


if __name__ == "__main__":
    main()
