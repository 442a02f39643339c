"""Random answers to the questions of a file in SQuAD's format.

Standard library only: tests of this project and its peers, each in an
environment of its own, make the same guesses from the same seed.
"""

import gzip
import hashlib
import json
import os
import random
from collections.abc import Iterator

# Published files, below the directory of data sets.
FILES = (
    "squad/dev-v1.1.rebuilt.json.gz",
    "squad/dev-v2.0.rebuilt.json.gz",
    "squad/cs224n_half_dev-v2.0.json.gz",
    "xquad/xquad.de.json.gz",
    "xquad/xquad.zh.json.gz",
)
# From Python 3.12 on, `sum` compensates for rounding: last digits differ.
SUMS = "compensated_sums" if sum([0.1] * 10) == 1.0 else "plain_sums"


def read_articles(path: os.PathLike) -> list[dict]:
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        return json.load(stream)["data"]


def questions(articles: list[dict]) -> Iterator[tuple[dict, str]]:
    """Yields each question, a dict, and its context."""
    for article in articles:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                yield question, paragraph["context"]


def random_guesses(articles: list[dict], seed: int) -> dict[str, str]:
    """Makes right, nearly right, wrong and empty answers from real ones."""
    rng = random.Random(seed)
    guesses = {}
    for question, context in questions(articles):
        answers = question["answers"]
        text = rng.choice(answers)["text"] if answers else context[:30]
        words = text.split()
        guesses[question["id"]] = rng.choice(
            [
                text,
                "",
                f"the {text.upper()}.",
                " ".join(words[: rng.randint(0, len(words))]),
                " ".join(rng.sample(words, len(words))),
                " ".join(rng.choices(context.split(), k=rng.randint(1, 8))),
                context[(start := rng.randrange(len(context))) : start + 20],
                rng.choice(["a", "The", "...", " ", "-", "’"]),
            ]
        )
    names = list(guesses)
    rng.shuffle(names)
    return {name: guesses[name] for name in names}


def random_probabilities(guesses: dict, seed: int) -> dict[str, float]:
    """Makes no-answer probabilities; those of one digit are often equal."""
    rng = random.Random(seed)
    digits = rng.choice([1, 2, 9])
    return {name: round(rng.random(), digits) for name in guesses}


def incomplete(guesses: dict[str, str]) -> dict[str, str]:
    """Leaves out the first tenth."""
    return dict(list(guesses.items())[len(guesses) // 10 :])


def digest(value) -> str:
    """Returns the SHA-256 digest of a JSON value."""
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()
