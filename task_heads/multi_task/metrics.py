"""Metrics of several tasks learned together."""

from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from keras_bert_zoo.task import TaskHead
from task_heads.multi_task import fields


@keras.saving.register_keras_serializable(package="task_heads")
class UnweightedMetric(keras.metrics.Metric):
    """A metric that ignores weights, except those of 0.

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


def all_metrics(head: TaskHead) -> list | dict[str, list]:
    """Returns a head's metrics by its own outputs' names, to be weighted.

    A list, where all are for the one output. Those that are not weighted
    where the head is alone heed only whether a weight is above 0.
    """
    unweighted = keras.tree.map_structure(_unweighted, head.metrics())
    kinds = (unweighted, head.weighted_metrics())
    if not any(isinstance(kind, Mapping) for kind in kinds):
        return [metric for kind in kinds for metric in kind]
    by_output = {name: [] for name in fields.output_names("", head)}
    for kind in kinds:
        # Without an output's name: an empty list.
        for name, metrics in dict(kind).items():
            # Keras takes a single metric too.
            several = isinstance(metrics, (list, tuple))
            by_output[name].extend(metrics if several else [metrics])
    return by_output


def _unweighted(metric: Any) -> Any:
    # Keras takes names and functions too.
    is_metric = isinstance(metric, keras.metrics.Metric)
    return UnweightedMetric(metric) if is_metric else metric


def frame_accuracy(
    heads: Mapping[str, TaskHead], examples: Iterable, answers: Iterable[dict]
) -> float | None:
    """Returns the fraction of examples with no mistake in any task.

    With an intent and slots this is the sentence-level semantic frame
    accuracy: the intent is right and the slots are exactly the true ones.

    Args:
        heads: heads by task. Each is asked by `is_right(values, answer)`,
            which takes the values of an example as the head reads them.
        examples, answers: as for `TaskHead.score`.

    Returns:
        float in [0, 1]; `None` where an answer to a task is neither right
        nor wrong, as a score is not, or there are no examples.

    Source: Goo et al., 2018, "Slot-gated modeling for joint slot filling
    and intent prediction", section 3.
    """
    if not all(hasattr(head, "is_right") for head in heads.values()):
        return None
    frames = []
    for example, answer in zip(examples, answers, strict=True):
        verdicts = [
            head.is_right(
                fields.values_of(task, head, example.values), answer[task]
            )
            for task, head in heads.items()
        ]
        if None in verdicts:
            return None
        frames.append(all(verdicts))
    return sum(frames) / len(frames) if frames else None
