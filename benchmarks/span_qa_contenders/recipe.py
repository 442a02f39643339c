"""What all contenders do alike: questions, lengths, rates, scores."""

import gzip
import json
from typing import NamedTuple

from benchmarks import harness
from task_heads.span_qa.squad_scores import squad_v1_scores

SEQUENCE_LENGTH = 384
OVERLAP = 128
MAX_ANSWER_LENGTH = 30
TRAINING_ARTICLES = 38
EPOCHS = 2
BATCH_SIZE = 16
LEARNING_RATE = 1e-4
WEIGHT_DECAY = 0.01
WARMUP_FRACTION = 0.1


class Question(NamedTuple):
    question: str
    context: str
    answers: list  # dicts of `text` and `answer_start`


def read(split: str, limit: int | None = None) -> list[Question]:
    """Returns the questions of SQuAD 1.1's development articles.

    Args:
        split: str. `train` for the first 38 articles, `test` for the last
            10, `all` for both.
        limit: int or `None`. How many, taken evenly from the split.
    """
    directory = harness.shared_directory() / "data" / "squad"
    with gzip.open(
        directory / "dev-v1.1.rebuilt.json.gz", "rt", encoding="utf-8"
    ) as stream:
        articles = json.load(stream)["data"]
    parts = {
        "train": articles[:TRAINING_ARTICLES],
        "test": articles[TRAINING_ARTICLES:],
        "all": articles,
    }
    found = [
        Question(entry["question"], paragraph["context"], entry["answers"])
        for article in parts[split]
        for paragraph in article["paragraphs"]
        for entry in paragraph["qas"]
    ]
    if limit is None or limit >= len(found):
        return found
    return [found[i * len(found) // limit] for i in range(limit)]


def scores(questions: list[Question], answers: list[str]) -> dict:
    """Returns exact match and F1 of the answers, in percent."""
    gold = {
        number: [answer["text"] for answer in question.answers]
        for number, question in enumerate(questions)
    }
    found = squad_v1_scores(gold, dict(enumerate(answers)))
    return {name: found[name] for name in ("exact_match", "f1")}
