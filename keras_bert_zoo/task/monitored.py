"""Which way what callbacks watch is better."""

from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

import keras

from keras_bert_zoo.task.epoch_score import EpochScore
from keras_bert_zoo.training import keras_names


def tell_directions(
    model: Any, callbacks: Iterable[keras.callbacks.Callback]
) -> None:
    """Lets callbacks know whether more or less of what they watch is better.

    Of losses and metrics of one output among several, and of a head's score,
    Keras does not know, and says so when the first epoch is over.

    Args:
        model: `TaskModel`, compiled.
        callbacks: some with a `monitor`; of those, the ones whose `mode` is
            `auto` and that is found here are given another.
    """
    callbacks = list(callbacks)
    scores = [
        one.name
        for one in callbacks
        if isinstance(one, EpochScore) and one.name
    ]
    known = _directions(model, [*model.head.epoch_scores, *scores])
    for callback in callbacks:
        name = getattr(callback, "monitor", None)
        if isinstance(name, str) and getattr(callback, "mode", "") == "auto":
            callback.mode = known.get(name.removeprefix("val_"), "auto")


def _directions(model, scores) -> dict[str, str]:
    """Returns name in the logs -> `max` or `min`."""
    known = dict.fromkeys(scores, "max")
    known.pop("loss", None)
    if isinstance(model.output, Mapping):
        known |= {f"{output}_loss": "min" for output in model.output}
    given = model.compile_settings.keywords
    for kind in ("metrics", "weighted_metrics"):
        metrics = given.get(kind)
        if not isinstance(metrics, Mapping):
            # Those Keras knows.
            for metric in metrics or ():
                known.pop(getattr(metric, "name", metric), None)
            continue
        for output, own in metrics.items():
            for metric in own if isinstance(own, list | tuple) else [own]:
                direction = keras_names.direction_of(metric)
                if metric in ("accuracy", "acc"):
                    known[f"{output}_{metric}"] = "max"
                elif direction is not None:
                    known[f"{output}_{metric.name}"] = direction
    return known
