"""Metrics of a task beside others: weights that count or do not."""

import json

import keras
import numpy as np
import pytest

from keras_bert_zoo.training import keras_private
from task_heads.classification.metrics import MacroF1
from task_heads.classification.metrics import PearsonCorrelation
from task_heads.multi_task.metrics import UnweightedMetric


def test_a_weight_counts_or_does_not():
    metric = UnweightedMetric(keras.metrics.MeanAbsoluteError(name="mae"))
    truth, guess = np.zeros([3, 1]), np.array([[1.0], [3.0], [90.0]])
    metric.update_state(truth, guess, np.array([5.0, 0.25, 0.0]))
    assert float(metric.result()) == 2.0
    metric.reset_state()
    metric.update_state(truth[:1], guess[:1])
    assert float(metric.result()) == 1.0


@pytest.mark.parametrize(
    "metric",
    [MacroF1(2), PearsonCorrelation(), keras.metrics.BinaryAccuracy("right")],
    ids=lambda metric: metric.name,
)
def test_it_is_known_as_the_metric_and_comes_back(metric):
    config = keras.saving.serialize_keras_object(UnweightedMetric(metric))
    found = keras.saving.deserialize_keras_object(
        json.loads(json.dumps(config))
    )
    assert found.name == metric.name
    assert found._direction == "up"
    assert found.metric.get_config() == metric.get_config()
    assert [one.shape for one in found.variables] == [
        one.shape for one in metric.variables
    ]


def test_a_metric_without_a_direction_gets_none():
    metric = UnweightedMetric(keras.metrics.MeanMetricWrapper(len, "one"))
    assert not keras_private.direction_of(metric)
    assert not hasattr(metric, "_direction")
