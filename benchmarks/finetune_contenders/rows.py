"""The rows that all contenders train on: a sample of SST-2's sentences."""

import csv
import gzip
import random

from benchmarks import harness

BATCH_SIZE = 32
LEARNING_RATE = 5e-5
WEIGHT_DECAY = 0.01
# What keras-hub's preprocessor pads to here; the others pad to the longest.
FIXED_LENGTH = 128


def sample(cell: dict) -> tuple[list[str], list[int]]:
    """Returns texts and labels, `cell["num_rows"]` of each."""
    path = harness.shared_directory() / "data" / "sst2" / "train.tsv.gz"
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        rows = list(
            csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
        )
    chosen = random.Random(0).sample(rows, cell["num_rows"])
    texts = [row["sentence"] for row in chosen]
    return texts, [int(row["label"]) for row in chosen]
