"""Scores against copies of SQuAD's scripts that are not ours."""

import gzip
import json
import os
import pathlib
import random

import pytest

from task_heads.span_qa.scores import squad_v1_scores
from task_heads.span_qa.scores import squad_v2_scores
from task_heads.span_qa.scores import token_f1

garden_v1 = pytest.importorskip("official.nlp.tools.squad_evaluate_v1_1")
garden_v2 = pytest.importorskip("official.nlp.tools.squad_evaluate_v2_0")

ROOT = pathlib.Path(__file__).parents[3]
DATA = ROOT / os.environ.get("KBZ_SHARED", "../shared") / "data"

FILES_V1 = [
    "squad/dev-v1.1.rebuilt.json.gz",
    "xquad/xquad.de.json.gz",
    "xquad/xquad.zh.json.gz",
]
FILES_V2 = [
    "squad/dev-v2.0.rebuilt.json.gz",
    "squad/cs224n_half_dev-v2.0.json.gz",
]

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="needs the published data sets (KBZ_SHARED)"
)


def articles(name):
    with gzip.open(DATA / name, "rt", encoding="utf-8") as stream:
        return json.load(stream)["data"]


def questions(data):
    for article in data:
        for paragraph in article["paragraphs"]:
            for record in paragraph["qas"]:
                yield record["id"], record["answers"], paragraph["context"]


def gold_of(data):
    return {
        name: [answer["text"] for answer in answers]
        for name, answers, _ in questions(data)
    }


def pairs_of(gold, guesses):
    return [(guesses[name], t) for name, texts in gold.items() for t in texts]


def random_guesses(data, seed):
    """Makes right, nearly right, wrong and empty answers from real ones."""
    rng = random.Random(seed)
    guesses = {}
    for name, answers, context in questions(data):
        text = rng.choice(answers)["text"] if answers else context[:30]
        words = text.split()
        guesses[name] = rng.choice(
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


def percent(fraction, total):
    return 100.0 * round(fraction * total) / total


@pytest.mark.parametrize("file", FILES_V1)
def test_v1_equals_the_official_script(file):
    data = articles(file)
    guesses = random_guesses(data, seed=1)
    for name in list(guesses)[:20]:
        del guesses[name]
    gold = gold_of(data)
    scores = squad_v1_scores(gold, guesses)
    official = garden_v1.evaluate(data, guesses)
    # This copy gives fractions; the script multiplies before it divides.
    assert scores == {
        "exact_match": percent(official["exact_match"], len(gold)),
        "f1": pytest.approx(100 * official["final_f1"], rel=1e-14),
        "total": len(gold),
    }


@pytest.mark.parametrize("file", FILES_V1)
def test_v1_f1_is_added_as_in_the_official_script(file):
    data = articles(file)
    gold = gold_of(data)
    guesses = random_guesses(data, seed=5)
    total = 0
    for name, texts in gold.items():
        total += garden_v1._metric_max_over_ground_truths(
            garden_v1._f1_score, guesses[name], texts
        )
    assert squad_v1_scores(gold, guesses)["f1"] == 100.0 * total / len(gold)


@pytest.mark.parametrize("file", FILES_V1)
def test_v1_f1_of_each_answer_equals_the_official_script(file):
    data = articles(file)
    guesses = random_guesses(data, seed=2)
    pairs = pairs_of(gold_of(data), guesses)
    ours = [token_f1(*pair, empty_matches=False) for pair in pairs]
    assert ours == [garden_v1._f1_score(*pair) for pair in pairs]


@pytest.mark.parametrize("digits", [1, 9])
@pytest.mark.parametrize("file", FILES_V2)
def test_v2_equals_the_official_script(file, digits):
    data = articles(file)
    guesses = random_guesses(data, seed=digits)
    rng = random.Random(digits)
    # One digit makes many equal ones.
    probabilities = {name: round(rng.random(), digits) for name in guesses}
    scores = squad_v2_scores(gold_of(data), guesses, probabilities)
    official = garden_v2.evaluate(data, guesses, probabilities)
    assert scores == {
        key.replace("final_", "best_"): value
        for key, value in official.items()
        if not key.startswith("pr_")
    }


@pytest.mark.parametrize("file", FILES_V2)
def test_v2_threshold_equals_the_official_script(file):
    data = articles(file)
    guesses = random_guesses(data, seed=3)
    rng = random.Random(3)
    probabilities = {name: round(rng.random(), 2) for name in guesses}
    scores = squad_v2_scores(gold_of(data), guesses, probabilities, 0.37)
    has_answer = garden_v2._make_qid_to_has_ans(data)
    exact, f1 = (
        garden_v2._apply_no_ans_threshold(raw, probabilities, has_answer, 0.37)
        for raw in garden_v2._get_raw_scores(data, guesses)
    )
    expected = garden_v2._make_eval_dict(exact, f1)
    assert {key: scores[key] for key in expected} == dict(expected)


@pytest.mark.parametrize("file", FILES_V2)
def test_v2_f1_of_each_answer_equals_the_official_script(file):
    data = articles(file)
    guesses = random_guesses(data, seed=4)
    pairs = pairs_of(gold_of(data), guesses)
    ours = [token_f1(*pair) for pair in pairs]
    assert ours == [garden_v2._compute_f1(t, guess) for guess, t in pairs]
