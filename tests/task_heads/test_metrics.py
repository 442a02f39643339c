"""Metrics against numbers from scikit-learn and NumPy."""

import numpy as np
import pytest

from task_heads.metrics import MacroF1
from task_heads.metrics import PearsonCorrelation


def logits(labels, num_labels):
    return np.eye(num_labels, dtype="float32")[labels]


def test_macro_f1_by_hand_over_two_batches():
    metric = MacroF1(3)
    metric.update_state(np.array([0, 0, 1]), logits([0, 1, 1], 3))
    metric.update_state(np.array([2]), logits([0], 3))
    # F1 of label 0: 1 hit, 2 predicted, 2 true: 1/2; of 1: 2/3; of 2: 0.
    assert float(metric.result()) == pytest.approx((1 / 2 + 2 / 3) / 3)


def test_macro_f1_of_several_labels_by_hand():
    metric = MacroF1(2, multi_label=True)
    metric.update_state(
        np.array([[1, 0], [1, 1]]), np.array([[2.0, 1.0], [-1.0, 3.0]])
    )
    # Label 0: 1 hit, 1 predicted, 2 true; label 1: 1 hit, 2 predicted, 1 true.
    assert float(metric.result()) == pytest.approx(2 / 3)


def test_pearson_equals_numpy_over_uneven_batches():
    rng = np.random.default_rng(0)
    truth = rng.normal(1000.0, 1.0, size=50).astype("float32")
    guess = (truth + rng.normal(size=50)).astype("float32")
    metric = PearsonCorrelation()
    for start, stop in [(0, 1), (1, 30), (30, 50)]:
        metric.update_state(truth[start:stop], guess[start:stop])
    expected = np.corrcoef(truth, guess)[0, 1]
    assert float(metric.result()) == pytest.approx(expected, abs=1e-4)


def test_pearson_of_a_constant_is_zero():
    metric = PearsonCorrelation()
    metric.update_state(np.ones(4), np.arange(4.0))
    assert float(metric.result()) == 0.0


def test_metrics_can_be_reset():
    metric = PearsonCorrelation()
    metric.update_state(np.arange(3.0), np.arange(3.0))
    metric.reset_state()
    metric.update_state(np.arange(3.0), -np.arange(3.0))
    assert float(metric.result()) == pytest.approx(-1.0)
