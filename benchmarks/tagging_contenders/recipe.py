"""What both contenders do alike: sentences, epochs, rates, scores."""

import gzip
from typing import NamedTuple

from benchmarks import harness
from task_heads.tagging.scores import entity_scores

FILES = {
    "wnut17": ("train.conll", "test.conll"),
    "ncbi_disease": ("train.tsv.gz", "test.tsv"),
}
EPOCHS = 5
BATCH_SIZE = 32
LEARNING_RATE = 2e-4
WEIGHT_DECAY = 0.01
WARMUP_FRACTION = 0.1
DROPOUT = 0.1


class Sentences(NamedTuple):
    """The words and tags of some sentences, a list for each."""

    tokens: list
    tags: list


def read(corpus: str, split: str, limit: int | None = None) -> Sentences:
    """Returns the sentences of a corpus.

    Args:
        corpus: str. A key of `FILES`.
        split: str. `train` or `test`.
        limit: int or `None`. How many, from the start.
    """
    name = FILES[corpus][("train", "test").index(split)]
    path = harness.shared_directory() / "data" / corpus / name
    opener = gzip.open if path.suffix == ".gz" else open
    sentences = [[]]
    with opener(path, "rt", encoding="utf-8") as stream:
        for line in stream:
            fields = line.rstrip("\n").split("\t")
            if len(fields) == 2 and fields[0].strip():
                sentences[-1].append(fields)
            elif sentences[-1]:
                sentences.append([])
    found = [zip(*sentence) for sentence in sentences if sentence][:limit]
    tokens, tags = zip(*(map(list, columns) for columns in found))
    return Sentences(list(tokens), list(tags))


def labels(corpus: str) -> list[str]:
    """Returns the labels of a corpus, `O` first."""
    tags = {tag for tags in read(corpus, "train").tags for tag in tags}
    return ["O", *sorted(tags - {"O"})]


def sample(cell: dict) -> Sentences:
    """Returns training sentences, taken evenly from all of a corpus.

    Args:
        cell: `corpus`, a key of `FILES`, and `num_sentences`.
    """
    found = read(cell["corpus"], "train")
    total, wanted = len(found.tokens), cell["num_sentences"]
    chosen = [i * total // wanted for i in range(wanted)]
    return Sentences(*([column[i] for i in chosen] for column in found))


def scores(test: Sentences, tags: list) -> dict:
    """Returns what a contender prints.

    Args:
        test: the test sentences.
        tags: list of a list of str for each. The predicted tags.
    """
    return {"f1": 100.0 * entity_scores(test.tags, tags)["micro"]["f1"]}
