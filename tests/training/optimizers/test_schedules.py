"""The warm-up and decay of the learning rate."""

import keras
import pytest

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.training.optimizers.recipe import WarmupThenConstant
from keras_bert_zoo.training.optimizers.recipe import WarmupThenCosineDecay
from keras_bert_zoo.training.optimizers.recipe import WarmupThenLinearDecay
from keras_bert_zoo.training.optimizers.recipe import WarmupThenPolynomialDecay

DECAYS = (
    WarmupThenLinearDecay,
    WarmupThenCosineDecay,
    WarmupThenPolynomialDecay,
)


def rates(schedule, steps):
    return [round(float(schedule(step)), 6) for step in range(steps)]


def test_linear_decay_falls_to_zero_and_stays_there():
    schedule = WarmupThenLinearDecay(1.0, total_steps=5, warmup_steps=2)
    assert rates(schedule, 7) == [0.5, 1.0, 0.75, 0.5, 0.25, 0.0, 0.0]


def test_without_warmup_it_starts_at_the_peak():
    schedule = WarmupThenLinearDecay(2.0, total_steps=4)
    assert rates(schedule, 5) == [2.0, 1.5, 1.0, 0.5, 0.0]


def test_cosine_decay_is_half_a_wave():
    schedule = WarmupThenCosineDecay(1.0, total_steps=5, warmup_steps=2)
    # (1 + cos(k pi / 4)) / 2
    found = [0.5, 1.0, 0.853553, 0.5, 0.146447, 0.0, 0.0]
    assert rates(schedule, 7) == found


def test_polynomial_decay_is_a_power_of_what_is_left():
    schedule = WarmupThenPolynomialDecay(1.0, 5, 2, power=3.0)
    found = [0.5, 1.0, 0.421875, 0.125, 0.015625, 0.0, 0.0]
    assert rates(schedule, 7) == found


def test_a_decay_may_end_above_zero():
    schedule = WarmupThenPolynomialDecay(1.0, 5, 1, end_rate=0.2, power=1.0)
    assert rates(schedule, 7) == [1.0, 0.84, 0.68, 0.52, 0.36, 0.2, 0.2]


def test_a_constant_rate_warms_up_too():
    assert rates(WarmupThenConstant(2.0, 4), 6) == [0.5, 1, 1.5, 2, 2, 2]
    assert rates(WarmupThenConstant(2.0), 2) == [2.0, 2.0]


@pytest.mark.parametrize("kind", DECAYS)
@pytest.mark.parametrize("warmup", [0, 1, 3, 10])
def test_every_step_of_a_run_moves_the_weights(kind, warmup):
    schedule = kind(1.0, 10, warmup)
    assert min(rates(schedule, 10)) > 0
    assert max(rates(schedule, 10)) == 1.0


@pytest.mark.parametrize("kind", DECAYS)
def test_the_last_step_of_a_long_run_moves_the_weights(kind):
    assert float(kind(1.0, 10**6)(10**6 - 1)) > 0


@pytest.mark.parametrize(
    "schedule",
    [
        WarmupThenConstant(1.0, 3),
        WarmupThenLinearDecay(1.0, 5, 2, end_rate=0.1),
        WarmupThenCosineDecay(1.0, 5, 2, end_rate=0.1),
        WarmupThenPolynomialDecay(1.0, 5, 2, end_rate=0.1, power=3.0),
    ],
    ids=lambda schedule: type(schedule).__name__,
)
def test_config_round_trip(schedule):
    config = keras.optimizers.schedules.serialize(schedule)
    twin = keras.optimizers.schedules.deserialize(config)
    assert type(twin) is type(schedule)
    assert rates(twin, 6) == rates(schedule, 6)


@pytest.mark.parametrize(("total", "warmup"), [(0, 0), (5, 6), (5, -1)])
def test_impossible_steps_are_refused(total, warmup):
    with pytest.raises(InputError, match=f"{warmup}, total_steps={total}"):
        WarmupThenLinearDecay(1.0, total, warmup)


def test_impossible_rates_are_refused():
    with pytest.raises(InputError, match="end_rate=2.0, peak=1.0"):
        WarmupThenCosineDecay(1.0, 5, end_rate=2.0)
    with pytest.raises(InputError, match="power=0"):
        WarmupThenPolynomialDecay(1.0, 5, power=0)
    with pytest.raises(InputError, match="warmup_steps=-1"):
        WarmupThenConstant(1.0, -1)
