"""Live comparison with tf-models-official's copies of SQuAD's scripts.

They live in an environment of their own: `KBZ_GARDEN_PYTHON` names its
interpreter, `.venv-garden/bin/python` by default.
"""

import json
import os
import pathlib
import subprocess

import pytest
import squad_score_cases

from benchmarks.peers import squad_guesses

ROOT = pathlib.Path(__file__).parents[2]
PYTHON = pathlib.Path(
    os.environ.get("KBZ_GARDEN_PYTHON", ROOT / ".venv-garden/bin/python")
)
SCRIPT = ROOT / "benchmarks/peers/record_squad_scores.py"
DATA = ROOT / os.environ.get("KBZ_SHARED", "../shared") / "data"
RECORDED = ROOT / "tests/recorded/squad_scores"

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(
        not PYTHON.exists(),
        reason="no interpreter with tf-models-official (KBZ_GARDEN_PYTHON)",
    ),
]


def run(*arguments):
    return subprocess.run(
        [PYTHON, SCRIPT, *arguments], check=True, capture_output=True
    ).stdout


@pytest.fixture(scope="module", params=["made_up", *squad_guesses.FILES])
def case(request):
    """Questions, new guesses, and their official scores."""
    if request.param == "made_up":
        path = RECORDED / squad_guesses.SUMS / "made_up.json"
        articles = json.loads(path.read_text("utf-8"))["articles"]
        scored = json.loads(run("random", "11"))
    elif DATA.is_dir():
        articles = squad_guesses.read_articles(DATA / request.param)
        scored = json.loads(run("random", "12", DATA / request.param))
    else:
        pytest.skip("needs the published data sets (KBZ_SHARED)")
    assert scored["sums"] == squad_guesses.SUMS, (
        "Python 3.11 adds otherwise than later ones: use alike interpreters"
    )
    return articles, scored


def test_v1_equals_the_official_script(case):
    squad_score_cases.check_v1(*case)


def test_v2_equals_the_official_script(case):
    squad_score_cases.check_v2(*case)


def test_v2_threshold_equals_the_official_script(case):
    squad_score_cases.check_v2_threshold(*case)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_f1_of_each_answer_equals_the_official_script(case, version):
    articles, scored = case
    found = squad_score_cases.each_f1(articles, scored, version)
    assert found == scored[version]["each_f1"]


def test_recording_again_gives_the_same(tmp_path):
    data = ["--data", DATA] if DATA.is_dir() else []
    run("record", tmp_path, *data)
    for path in (tmp_path / "squad_scores").glob("*/*.json"):
        recorded = ROOT / "tests/recorded" / path.relative_to(tmp_path)
        assert path.read_bytes() == recorded.read_bytes()
