"""Live comparison of measures with scikit-learn and scipy.

Both live in the environment of the peers: `KBZ_PEERS_PYTHON` names its
interpreter, `.venv-peers/bin/python` by default.
"""

import json
import os
import pathlib
import subprocess

import numpy as np
import pytest

from task_heads.classification.metrics import MatthewsCorrelation
from task_heads.classification.metrics import spearman_correlation

ROOT = pathlib.Path(__file__).parents[2]
PYTHON = pathlib.Path(
    os.environ.get("KBZ_PEERS_PYTHON", ROOT / ".venv-peers/bin/python")
)
SCRIPT = ROOT / "benchmarks/peers/record_measures.py"

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(
        not PYTHON.exists(),
        reason="no interpreter with scikit-learn and scipy (KBZ_PEERS_PYTHON)",
    ),
]


@pytest.fixture(scope="module", params=[11, 12])
def cases(request):
    """Random cases and what scikit-learn and scipy make of them."""
    done = subprocess.run(
        [PYTHON, SCRIPT, "random", str(request.param), "200"],
        check=True,
        capture_output=True,
    )
    return json.loads(done.stdout)


def test_matthews_correlations_are_equal(cases):
    found = []
    for case in cases["matthews"]:
        metric = MatthewsCorrelation(case["num_labels"])
        truth, weights = np.array(case["truth"]), case["weights"]
        logits = np.eye(case["num_labels"])[case["predicted"]]
        for start in range(0, len(truth), 64):
            part = slice(start, start + 64)
            metric.update_state(
                truth[part], logits[part], weights and np.array(weights[part])
            )
        found.append(float(metric.result()))
    expected = [case["coefficient"] for case in cases["matthews"]]
    assert found == pytest.approx(expected, abs=2e-6)


def test_spearman_correlations_are_equal(cases):
    found = [
        spearman_correlation(case["truth"], case["predicted"])
        for case in cases["spearman"]
    ]
    expected = [case["coefficient"] for case in cases["spearman"]]
    assert found == pytest.approx(expected, abs=1e-12)
