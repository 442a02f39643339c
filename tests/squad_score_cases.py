"""Our scores beside those that record_squad_scores.py writes."""

import pytest

from benchmarks.peers import squad_guesses
from task_heads.span_qa.squad_scores import squad_v1_scores
from task_heads.span_qa.squad_scores import squad_v2_scores
from task_heads.span_qa.squad_scores import token_f1


def gold_of(articles):
    return {
        question["id"]: [answer["text"] for answer in question["answers"]]
        for question, _ in squad_guesses.questions(articles)
    }


def percent(fraction, total):
    return 100.0 * round(fraction * total) / total


def check_v1(articles, case):
    gold = {name: texts for name, texts in gold_of(articles).items() if texts}
    official = case["v1"]
    scores = squad_v1_scores(gold, squad_guesses.incomplete(case["guesses"]))
    # This copy gives fractions; the script multiplies before it divides.
    assert scores == {
        "exact_match": percent(official["exact_match"], len(gold)),
        "f1": 100.0 * official["f1_sum"] / len(gold),
        "total": len(gold),
    }
    assert scores["f1"] == pytest.approx(100 * official["final_f1"], rel=1e-14)


def check_v2(articles, case):
    gold, guesses = gold_of(articles), case["guesses"]
    scores = squad_v2_scores(gold, guesses, case["probabilities"])
    assert scores == {
        key.replace("final_", "best_"): value
        for key, value in case["v2"]["scores"].items()
    }


def check_v2_threshold(articles, case):
    gold, guesses = gold_of(articles), case["guesses"]
    scores = squad_v2_scores(
        gold, guesses, case["probabilities"], case["threshold"]
    )
    expected = case["v2"]["threshold_scores"]
    assert {key: scores[key] for key in expected} == expected


def each_f1(articles, case, version):
    """Returns our F1 of each guess with each answer."""
    return [
        token_f1(case["guesses"][name], text, empty_matches=version == "v2")
        for name, texts in gold_of(articles).items()
        for text in texts
    ]
