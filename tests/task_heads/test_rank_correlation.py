"""Spearman's correlation against numbers from scipy."""

import json
import pathlib

import numpy as np
import pytest

from task_heads.rank_correlation import spearman_correlation

RECORDED = (
    pathlib.Path(__file__).parents[1] / "recorded/measures/correlations.json"
)


def test_equal_values_share_the_mean_of_their_ranks():
    # Ranks 1, 2.5, 2.5, 4 and 2, 1, 3, 4.
    expected = np.corrcoef([1, 2.5, 2.5, 4], [2, 1, 3, 4])[0, 1]
    found = spearman_correlation([0, 7, 7, 9.5], [3, 1, 5, 80])
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    "case", json.loads(RECORDED.read_text())["spearman"], ids=lambda case: ""
)
def test_it_equals_scipy(case):
    found = spearman_correlation(case["truth"], case["predicted"])
    assert found == pytest.approx(case["coefficient"], abs=1e-12)


@pytest.mark.parametrize(
    ("truth", "predicted"),
    [([1.0, 1.0, 1.0], [1, 2, 3]), ([1, 2], [0.1, 0.1]), ([3], [2]), ([], [])],
)
def test_where_there_is_no_order_it_is_zero(truth, predicted):
    assert spearman_correlation(truth, predicted) == 0.0
