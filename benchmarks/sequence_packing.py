"""Padding and speed of several ways to make batches.

    python -m benchmarks.sequence_packing [--rounds 5] [--afresh]

On SST-2 (a classifier) and WikiText-2 (masked tokens), at most 128 tokens a
text: all batches padded to 128; texts of like length in a batch, padded to
its longest, as `fit` does by itself; and texts drawn freely, several packed
into rows of about 64 or 128 tokens. Padding is that of a whole pass. Speed,
at 32 texts a batch, is that of training a MiniLM-sized encoder, float32, on
its first 12 batches, which are made before: tokens of texts, padding left
out, per second. Each
way has a process of its own with two threads; they take turns. Every cell is
kept when it is measured. Data and vocabulary are read from the directory
`KBZ_SHARED`.
"""

import argparse
import json

import tensorflow as tf

from benchmarks import harness
from benchmarks.packing_contenders import batches
from keras_bert_zoo.data import InputCounts

CELLS = (
    {"corpus": "sst2", "batch": 32},
    {"corpus": "sst2", "batch": 128},
    {"corpus": "wikitext2", "batch": 32},
    {"corpus": "wikitext2", "batch": 128},
)
TIMED = 32


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--afresh", action="store_true", help="forget earlier cells"
    )
    options = parser.parse_args()
    results = {"machine": harness.machine(), "cells": []}
    earlier = harness.RESULTS / "sequence_packing.json"
    if earlier.is_file() and not options.afresh:
        results = json.loads(earlier.read_text("utf-8"))
    measured = [
        {key: cell[key] for key in CELLS[0]} for cell in results["cells"]
    ]
    for cell in CELLS:
        if cell in measured:
            continue
        found = {way: _tokens(cell, way) for way in batches.WAYS}
        if cell["batch"] == TIMED:
            with harness.children(
                "benchmarks.packing_contenders", list(batches.WAYS)
            ) as children:
                timings = harness.compare(children, cell, options.rounds)
            for way, timing in timings.items():
                rate = found[way]["first_tokens"] / timing.median_seconds
                found[way]["tokens_per_second"] = rate
        results["cells"].append({**cell, "ways": found})
        harness.write_result("sequence_packing", results)
    print(report(results))


def _tokens(cell: dict, way: str) -> dict:
    """Returns the padding of a pass, and the tokens trained on."""
    counts = InputCounts()
    first_tokens = 0
    for number, (inputs, *_) in enumerate(batches.dataset(cell, way, counts)):
        if number < batches.NUM_BATCHES:
            first_tokens += int(tf.reduce_sum(inputs["padding_mask"]))
    return {
        "padding_fraction": counts.padding_fraction,
        "first_tokens": first_tokens,
    }


def report(results: dict) -> str:
    """Returns the table of the results."""
    rows = []
    for cell in results["cells"]:
        rates = {
            way: found.get("tokens_per_second")
            for way, found in cell["ways"].items()
        }
        for way, found in cell["ways"].items():
            row = [cell["corpus"], str(cell["batch"]), way]
            row.append(f"{found['padding_fraction']:.1%}")
            if rates[way] is None:
                row += ["-"] * 3
            else:
                row.append(f"{rates[way]:.0f}")
                for other in ("padded", "grouped"):
                    row.append(f"{rates[way] / rates[other]:.2f}")
            rows.append(row)
    header = (
        "corpus",
        "batch",
        "way",
        "padding",
        "tokens/s",
        "to padded",
        "to grouped",
    )
    return harness.table(header, rows)


if __name__ == "__main__":
    main()
