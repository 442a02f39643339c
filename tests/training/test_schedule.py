"""The warm-up and decay of the learning rate."""

import keras
import pytest

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.training.schedule import WarmupThenLinearDecay


def rates(schedule, steps):
    return [round(float(schedule(step)), 6) for step in range(steps)]


def test_rises_to_the_peak_and_falls_to_zero():
    schedule = WarmupThenLinearDecay(1.0, total_steps=5, warmup_steps=2)
    assert rates(schedule, 7) == [0.5, 1.0, 0.75, 0.5, 0.25, 0.0, 0.0]


def test_without_warmup_it_starts_at_the_peak():
    schedule = WarmupThenLinearDecay(2.0, total_steps=4)
    assert rates(schedule, 5) == [2.0, 1.5, 1.0, 0.5, 0.0]


@pytest.mark.parametrize("warmup", [0, 1, 3, 10])
def test_every_step_of_a_run_moves_the_weights(warmup):
    schedule = WarmupThenLinearDecay(1.0, 10, warmup)
    assert min(rates(schedule, 10)) > 0
    assert max(rates(schedule, 10)) == 1.0


def test_config_round_trip():
    schedule = WarmupThenLinearDecay(1.0, 5, 2)
    config = keras.optimizers.schedules.serialize(schedule)
    twin = keras.optimizers.schedules.deserialize(config)
    assert rates(twin, 5) == rates(schedule, 5)


@pytest.mark.parametrize(("total", "warmup"), [(0, 0), (5, 6), (5, -1)])
def test_impossible_steps_are_refused(total, warmup):
    with pytest.raises(InputError, match=f"{warmup}, total_steps={total}"):
        WarmupThenLinearDecay(1.0, total, warmup)
