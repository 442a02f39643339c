"""Metrics against numbers from scikit-learn and NumPy."""

import json
import pathlib

import keras
import numpy as np
import pytest

from keras_bert_zoo.training import keras_private
from task_heads.classification.metrics import MacroF1
from task_heads.classification.metrics import MatthewsCorrelation
from task_heads.classification.metrics import PearsonCorrelation
from task_heads.classification.metrics import spearman_correlation

RECORDED = (
    pathlib.Path(__file__).parents[2] / "recorded/measures/correlations.json"
)


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


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("shape", [(3,), (3, 1)])
def test_macro_f1_weighs_examples(multi_label, shape):
    metric = MacroF1(2, multi_label)
    truth, guess = np.array([0, 1, 1]), np.array([0, 1, 0])
    weights = np.array([0.25, 0.5, 0.1], "float32").reshape(shape)
    metric.update_state(
        np.eye(2)[truth] if multi_label else truth, logits(guess, 2), weights
    )
    # Of label 0: 2 * 0.25 of 0.25 + 0.35; of 1: 2 * 0.5 of 0.6 + 0.5.
    assert float(metric.result()) == pytest.approx((0.5 / 0.6 + 1 / 1.1) / 2)


def test_macro_f1_does_not_count_what_weighs_nothing():
    metric = MacroF1(2)
    metric.update_state(
        np.array([0, 1, 1]), logits([0, 1, 0], 2), np.array([1.0, 1.0, 0.0])
    )
    assert float(metric.result()) == 1.0


def test_matthews_correlation_of_two_labels_by_hand():
    metric = MatthewsCorrelation(2)
    metric.update_state(np.array([1, 1, 0]), logits([1, 0, 0], 2))
    metric.update_state(np.array([0, 1, 0, 0]), logits([1, 1, 0, 0], 2))
    # 2 true and 1 false positives, 3 true and 1 false negatives.
    expected = (2 * 3 - 1 * 1) / np.sqrt(3 * 3 * 4 * 4)
    assert float(metric.result()) == pytest.approx(expected)


@pytest.mark.parametrize(
    "case", json.loads(RECORDED.read_text())["matthews"], ids=lambda case: ""
)
def test_matthews_correlation_equals_scikit_learn(case):
    metric = MatthewsCorrelation(case["num_labels"])
    truth = np.array(case["truth"])
    guess = logits(case["predicted"], case["num_labels"])
    for start in range(0, len(truth), 7):
        part = slice(start, start + 7)
        weights = case["weights"] and np.array(case["weights"][part])
        metric.update_state(truth[part], guess[part], weights)
    assert float(metric.result()) == pytest.approx(
        case["coefficient"], abs=1e-6
    )


def test_matthews_correlation_bears_rare_labels():
    metric = MatthewsCorrelation(2)
    # Of 10 rare ones 8 are found, and 4 more that are none.
    common = logits([0] * 50_000, 2)
    for _ in range(20):
        metric.update_state(np.zeros(50_000), common)
    truth, guess = [1] * 10 + [0] * 4, [1] * 8 + [0] * 2 + [1] * 4
    metric.update_state(np.array(truth), logits(guess, 2))
    negatives = 1_000_000
    expected = (8 * negatives - 4 * 2) / np.sqrt(
        12 * 10 * (negatives + 4) * (negatives + 2)
    )
    assert float(metric.result()) == pytest.approx(expected, rel=1e-6)


def test_pearson_equals_numpy_over_uneven_batches():
    rng = np.random.default_rng(0)
    truth = rng.normal(1000.0, 1.0, size=50).astype("float32")
    guess = (truth + rng.normal(size=50)).astype("float32")
    metric = PearsonCorrelation()
    for start, stop in [(0, 1), (1, 30), (30, 50)]:
        metric.update_state(truth[start:stop], guess[start:stop])
    expected = np.corrcoef(truth, guess)[0, 1]
    assert float(metric.result()) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    "mean",
    [*(pytest.param(one, marks=pytest.mark.slow) for one in (0.0, 1e5)), -1e6],
)
def test_pearson_bears_large_means_and_outliers(mean):
    rng = np.random.default_rng(0)
    truth = rng.normal(mean, 1.0, size=1000).astype("float32")
    guess = (-truth + rng.normal(size=1000)).astype("float32")
    # The first batch is unlike the others.
    guess[:10] += 20.0
    metric = PearsonCorrelation()
    for start in range(0, 1000, 10):
        metric.update_state(
            truth[start : start + 10], guess[start : start + 10]
        )
    expected = np.corrcoef(truth.astype("float64"), guess.astype("float64"))[
        0, 1
    ]
    assert float(metric.result()) == pytest.approx(expected, abs=1e-5)


def test_pearson_weighs_examples():
    rng = np.random.default_rng(0)
    truth, guess = rng.normal(7.0, 1.0, size=(2, 40)).astype("float32")
    weights = rng.integers(0, 4, size=40)
    # A batch of which none counts, too.
    weights[10:20] = 0
    metric = PearsonCorrelation()
    for start in (0, 10, 20, 30):
        part = slice(start, start + 10)
        metric.update_state(
            truth[part], guess[part], weights[part, None].astype("float32")
        )
    expected = np.corrcoef(truth.repeat(weights), guess.repeat(weights))[0, 1]
    assert float(metric.result()) == pytest.approx(expected, abs=1e-5)


def test_pearson_of_no_examples_is_zero():
    metric = PearsonCorrelation()
    metric.update_state(np.arange(3.0), np.arange(3.0), np.zeros(3))
    assert float(metric.result()) == 0.0


def test_pearson_of_a_constant_is_zero():
    metric = PearsonCorrelation()
    for size in (4, 7, 3):
        # No sum of 0.1 is exact.
        metric.update_state(np.full(size, 0.1), np.arange(size) + size)
    assert float(metric.result()) == 0.0


def test_metrics_can_be_reset():
    metric = PearsonCorrelation()
    metric.update_state(np.arange(3.0), np.arange(3.0))
    metric.reset_state()
    metric.update_state(np.arange(3.0), -np.arange(3.0))
    assert float(metric.result()) == pytest.approx(-1.0)


@pytest.mark.parametrize(
    "metric", [MacroF1(2), MatthewsCorrelation(3), PearsonCorrelation()]
)
def test_metrics_survive_a_round_trip(metric):
    form = keras.saving.serialize_keras_object(metric)
    again = keras.saving.deserialize_keras_object(json.loads(json.dumps(form)))
    assert type(again) is type(metric)
    assert again.get_config() == metric.get_config()


@pytest.mark.parametrize(
    "metric", [MacroF1(2), MatthewsCorrelation(2), PearsonCorrelation()]
)
def test_callbacks_know_that_more_is_better(metric):
    assert keras_private.direction_of(metric)
    assert metric._direction == "up"


def test_equal_values_share_the_mean_of_their_ranks():
    # Ranks 1, 2.5, 2.5, 4 and 2, 1, 3, 4.
    expected = np.corrcoef([1, 2.5, 2.5, 4], [2, 1, 3, 4])[0, 1]
    found = spearman_correlation([0, 7, 7, 9.5], [3, 1, 5, 80])
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    "case", json.loads(RECORDED.read_text())["spearman"], ids=lambda case: ""
)
def test_spearman_equals_scipy(case):
    found = spearman_correlation(case["truth"], case["predicted"])
    assert found == pytest.approx(case["coefficient"], abs=1e-12)


@pytest.mark.parametrize(
    ("truth", "predicted"),
    [([1.0, 1.0, 1.0], [1, 2, 3]), ([1, 2], [0.1, 0.1]), ([3], [2]), ([], [])],
)
def test_spearman_without_an_order_is_zero(truth, predicted):
    assert spearman_correlation(truth, predicted) == 0.0
