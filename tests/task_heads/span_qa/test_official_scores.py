"""Scores against what copies of SQuAD's scripts that are not ours gave."""

import functools
import json
import os
import pathlib

import pytest
import squad_score_cases

from benchmarks.peers import squad_guesses

ROOT = pathlib.Path(__file__).parents[3]
DATA = ROOT / os.environ.get("KBZ_SHARED", "../shared") / "data"
RECORDED = ROOT / "tests/recorded/squad_scores" / squad_guesses.SUMS
MADE_UP = json.loads((RECORDED / "made_up.json").read_text("utf-8"))
FIGURES = json.loads((RECORDED / "figures.json").read_text("utf-8"))

read_articles = functools.cache(squad_guesses.read_articles)


@pytest.fixture(params=MADE_UP["cases"], ids=["first", "second", "third"])
def made_up(request):
    """Questions of our own, and a case of guesses and official scores."""
    return MADE_UP["articles"], request.param


# Other guesses at the same questions are slow tests.
@pytest.fixture(
    scope="module",
    params=[
        pytest.param(
            (name, case),
            id=f"{name}-{case['seed']}",
            marks=[pytest.mark.slow] if number else [],
        )
        for name in FIGURES
        for number, case in enumerate(FIGURES[name])
    ],
)
def published(request):
    """A published file, and a case whose guesses are made again."""
    if not DATA.is_dir():
        pytest.skip("needs the published data sets (KBZ_SHARED)")
    name, case = request.param
    articles = read_articles(DATA / name)
    guesses = squad_guesses.random_guesses(articles, case["seed"])
    probabilities = squad_guesses.random_probabilities(guesses, case["seed"])
    assert (
        squad_guesses.digest([guesses, probabilities]) == case["guesses_sha256"]
    ), "other guesses than those that were scored: record the figures anew"
    return articles, {
        **case,
        "guesses": guesses,
        "probabilities": probabilities,
    }


def test_v1_equals_the_official_script(made_up):
    squad_score_cases.check_v1(*made_up)


def test_v2_equals_the_official_script(made_up):
    squad_score_cases.check_v2(*made_up)


def test_v2_threshold_equals_the_official_script(made_up):
    squad_score_cases.check_v2_threshold(*made_up)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_f1_of_each_answer_equals_the_official_script(made_up, version):
    articles, case = made_up
    found = squad_score_cases.each_f1(articles, case, version)
    assert found == case[version]["each_f1"]


def test_v1_of_published_files_equals_the_official_script(published):
    squad_score_cases.check_v1(*published)


def test_v2_of_published_files_equals_the_official_script(published):
    squad_score_cases.check_v2(*published)


def test_v2_threshold_of_published_files_equals_the_official_script(published):
    squad_score_cases.check_v2_threshold(*published)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_f1_of_each_published_answer_equals_the_official_script(
    published, version
):
    articles, case = published
    found = squad_score_cases.each_f1(articles, case, version)
    assert squad_guesses.digest(found) == case[version]["each_f1_sha256"]
