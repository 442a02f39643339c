"""Metrics that know what counts, and not what it weighs in the loss."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="task_heads")
class UnweightedMetric(keras.metrics.Metric):
    """A metric in which all that weighs above 0 weighs 1.

    Args:
        metric: `keras.metrics.Metric` that takes weights.

    Call arguments of `update_state`: those of `metric`.
    """

    def __init__(self, metric: keras.metrics.Metric):
        super().__init__(name=metric.name, dtype=metric.dtype)
        self.metric = metric
        if hasattr(metric, "_direction"):
            self._direction = metric._direction

    def update_state(self, y_true, y_pred, sample_weight=None):
        if sample_weight is not None:
            sample_weight = ops.cast(ops.greater(sample_weight, 0), self.dtype)
        self.metric.update_state(y_true, y_pred, sample_weight)

    def result(self):
        return self.metric.result()

    def reset_state(self):
        self.metric.reset_state()

    def get_config(self):
        return {"metric": keras.saving.serialize_keras_object(self.metric)}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config["metric"]))
