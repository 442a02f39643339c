"""The learning rate in the course of a run."""

from collections.abc import Mapping
from collections.abc import Sequence

import keras

from keras_bert_zoo.reporting.line_chart import Points
from keras_bert_zoo.training import keras_names

NUM_POINTS = 100


def learning_rates(
    optimizer: keras.optimizers.Optimizer,
    history: Sequence[Mapping[str, float]],
) -> Points:
    """Returns the rate by step, from 1.

    Args:
        optimizer: that has trained. A schedule says what its rate was;
            without one, the ends of the epochs do.
        history: as `HistoryFile.rows`.
    """
    num_steps = keras_names.num_updates(optimizer)
    schedule = keras_names.schedule_of(optimizer)
    if schedule is None:
        per_epoch = num_steps / max(len(history), 1)
        return [
            (row["epoch"] * per_epoch, row["learning_rate"]) for row in history
        ]
    stride = max(num_steps // NUM_POINTS, 1)
    steps = [*range(0, num_steps - 1, stride), num_steps - 1]
    return [(step + 1, float(schedule(step))) for step in steps]
