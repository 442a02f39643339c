"""Live comparison of entity readings and scores with seqeval.

seqeval lives in the environment of the peers: `KBZ_PEERS_PYTHON` names its
interpreter, `.venv-peers/bin/python` by default.
"""

import json
import os
import pathlib
import subprocess

import pytest

from task_heads.tagging.schemes import entities
from task_heads.tagging.schemes import strict_entities
from task_heads.tagging.scores import entity_scores

ROOT = pathlib.Path(__file__).parents[2]
PYTHON = pathlib.Path(
    os.environ.get("KBZ_PEERS_PYTHON", ROOT / ".venv-peers/bin/python")
)
SCRIPT = ROOT / "benchmarks/peers/record_seqeval.py"
AVERAGES = ("micro", "macro", "weighted")

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(
        not PYTHON.exists(),
        reason="no interpreter with seqeval (KBZ_PEERS_PYTHON)",
    ),
]


@pytest.fixture(scope="module", params=[11, 12, 13])
def cases(request):
    """Five thousand random sentences and what seqeval makes of them."""
    done = subprocess.run(
        [PYTHON, SCRIPT, "random", str(request.param), "5000"],
        check=True,
        capture_output=True,
    )
    return json.loads(done.stdout)


def as_lists(found):
    return [list(entity) for entity in found]


def test_lenient_readings_are_equal(cases):
    readings = [case for case in cases["readings"] if "lenient" in case]
    assert len(readings) > 1000
    found = [as_lists(entities(c["tags"], c["suffix"])) for c in readings]
    assert found == [case["lenient"] for case in readings]


@pytest.mark.parametrize("theirs", ["IOB1", "IOB2", "IOBES", "BILOU"])
def test_strict_readings_are_equal(cases, theirs):
    readings = [case for case in cases["readings"] if theirs in case["strict"]]
    assert len(readings) > 300
    ours = theirs.replace("BILOU", "IOBES")
    found = [as_lists(strict_entities(c["tags"], ours)) for c in readings]
    assert found == [case["strict"][theirs] for case in readings]


@pytest.mark.parametrize("scheme", [None, "IOB1", "IOB2", "IOBES"])
def test_scores_are_equal_to_the_last_digit(cases, scheme):
    reports = [c for c in cases["reports"] if c["scheme"] == scheme]
    assert len(reports) > 30
    for case in reports:
        scores = entity_scores(
            case["gold"], case["predicted"], scheme is not None, scheme
        )
        rows = {f"{average} avg": scores[average] for average in AVERAGES}
        rows.update(scores["types"])
        found = {name: list(row.values()) for name, row in rows.items()}
        assert found == case["scores"]
        assert scores["token_accuracy"] == case["accuracy"]


def test_recording_again_gives_the_same(tmp_path):
    subprocess.run(
        [PYTHON, SCRIPT, "record", tmp_path], check=True, capture_output=True
    )
    again = (tmp_path / "seqeval/cases.json").read_bytes()
    recorded = (ROOT / "tests/recorded/seqeval/cases.json").read_bytes()
    assert again == recorded
