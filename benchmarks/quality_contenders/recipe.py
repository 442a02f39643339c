"""What both contenders do alike: rows, epochs, rates."""

import csv
import gzip

from benchmarks import harness

EPOCHS = 2
BATCH_SIZE = 32
LEARNING_RATE = 5e-5
WEIGHT_DECAY = 0.01
WARMUP_FRACTION = 0.1


def read(split: str) -> tuple[list[str], list[int]]:
    """Returns texts and labels of SST-2's `train` or `test` rows."""
    directory = harness.shared_directory() / "data" / "sst2"
    compressed = directory / f"{split}.tsv.gz"
    opener = gzip.open if compressed.is_file() else open
    path = compressed if compressed.is_file() else directory / f"{split}.tsv"
    with opener(path, "rt", encoding="utf-8") as stream:
        rows = list(
            csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
        )
    return (
        [row["sentence"] for row in rows],
        [int(row["label"]) for row in rows],
    )


def accuracy(predicted: list[int], labels: list[int]) -> float:
    """Returns the share of texts with the right label, in percent."""
    right = sum(a == b for a, b in zip(predicted, labels, strict=True))
    return 100.0 * right / len(labels)
