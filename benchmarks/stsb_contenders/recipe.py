"""What both contenders do alike: rows, epochs, rates."""

import csv
import gzip

from benchmarks import harness

EPOCHS = 3
BATCH_SIZE = 32
LEARNING_RATE = 2e-4
WEIGHT_DECAY = 0.01
WARMUP_FRACTION = 0.1


def read(part: str) -> tuple[list[tuple[str, str]], list[float]]:
    """Returns pairs of texts and scores of STS-B's `train` or `test` rows."""
    directory = harness.shared_directory() / "data" / "stsb"
    compressed = directory / f"sts-{part}.csv.gz"
    opener = gzip.open if compressed.is_file() else open
    path = compressed if compressed.is_file() else directory / f"sts-{part}.csv"
    with opener(path, "rt", encoding="utf-8") as stream:
        rows = list(csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [(row[5], row[6]) for row in rows], [float(row[4]) for row in rows]
