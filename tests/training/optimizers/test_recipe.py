"""From a recipe and a number of batches to an optimizer."""

import dataclasses
import functools
import math

import keras
import pytest
from absl import logging

from keras_bert_zoo import testing
from keras_bert_zoo.arguments import declared
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.training.optimizers.layerwise import AdamW
from keras_bert_zoo.training.optimizers.layerwise import Lamb
from keras_bert_zoo.training.optimizers.recipe import OptimizerRecipe
from keras_bert_zoo.training.optimizers.recipe import WarmupThenConstant
from keras_bert_zoo.training.optimizers.recipe import WarmupThenCosineDecay
from keras_bert_zoo.training.optimizers.recipe import WarmupThenLinearDecay
from keras_bert_zoo.training.optimizers.recipe import WarmupThenPolynomialDecay
from keras_bert_zoo.training.optimizers.recipe import recipe_of


@pytest.fixture(scope="module")
def encoder():
    return testing.tiny_encoder(9, num_layers=2)


@pytest.fixture
def log(caplog):
    logging.get_absl_logger().propagate = True
    return caplog


def schedule_of(optimizer):
    return optimizer._learning_rate


def test_the_default_is_made_for_the_encoder(encoder):
    optimizer = OptimizerRecipe().make(encoder, 100)
    assert type(optimizer) is AdamW
    assert optimizer.weight_decay == 0.01
    schedule = schedule_of(optimizer)
    assert type(schedule) is WarmupThenLinearDecay
    assert (schedule.peak, schedule.total_steps) == (1e-3, 100)
    assert schedule.warmup_steps == 10
    assert optimizer.layer_rates == ()


def test_shares_of_a_run_are_exact(encoder):
    # 100 * 0.07 is 7.000000000000001, and 100 * 0.29 is 28.999999999999996.
    recipe = OptimizerRecipe(warmup_fraction=0.07, unfreeze_fraction=0.29)
    optimizer = recipe.make(encoder, 100)
    assert schedule_of(optimizer).warmup_steps == 7
    starts = {rate.start for rate in optimizer.layer_rates}
    assert min(start for start in starts if start) == 29


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("linear", WarmupThenLinearDecay),
        ("cosine", WarmupThenCosineDecay),
        ("polynomial", WarmupThenPolynomialDecay),
        ("constant", WarmupThenConstant),
    ],
)
def test_schedules_have_names(encoder, name, kind):
    recipe = OptimizerRecipe(
        optimizer="lamb", schedule=name, learning_rate=0.1, warmup_steps=3
    )
    optimizer = recipe.make(encoder, 20)
    assert type(optimizer) is Lamb
    assert type(schedule_of(optimizer)) is kind
    assert schedule_of(optimizer).warmup_steps == 3
    assert schedule_of(optimizer).peak == 0.1


def test_a_schedule_may_be_a_function(encoder):
    make = functools.partial(WarmupThenCosineDecay, end_rate=1e-6)
    schedule = schedule_of(OptimizerRecipe(schedule=make).make(encoder, 20))
    assert (schedule.end_rate, schedule.total_steps) == (1e-6, 20)


def test_a_constant_rate_may_be_set_by_callbacks(encoder):
    recipe = OptimizerRecipe(schedule="constant", warmup_fraction=0.0)
    optimizer = recipe.make(encoder, 20)
    optimizer.learning_rate = 0.5
    assert float(optimizer.learning_rate) == 0.5


def test_options_go_to_keras(encoder):
    recipe = OptimizerRecipe(global_clipnorm=0.5, ema_momentum=0.9)
    optimizer = recipe.make(encoder, 20)
    assert optimizer.global_clipnorm == 0.5
    assert (optimizer.use_ema, optimizer.ema_momentum) == (True, 0.9)


def test_steps_are_updates(encoder):
    recipe = OptimizerRecipe(
        gradient_accumulation_steps=4, unfreeze_fraction=0.25
    )
    optimizer = recipe.make(encoder, 83)
    assert schedule_of(optimizer).total_steps == 20
    assert schedule_of(optimizer).warmup_steps == 2
    assert [rate.start for rate in optimizer.layer_rates] == [15, 10, 5]


def test_layers_decay_and_wait(encoder):
    recipe = OptimizerRecipe(layer_decay=0.5, unfreeze_every=4)
    for optimizer in (recipe.make(encoder), recipe.make(encoder, 20)):
        assert optimizer.layer_rates == (
            ("embeddings", 0.125, 12),
            ("transformer_block_0", 0.25, 8),
            ("transformer_block_1", 0.5, 4),
        )


@pytest.mark.parametrize("fraction", [0.1, 1e-9])
def test_in_a_short_run_layers_wait_a_step_each(encoder, fraction):
    recipe = OptimizerRecipe(unfreeze_fraction=fraction)
    rates = recipe.make(encoder, 9).layer_rates
    assert [rate.start for rate in rates] == [3, 2, 1]


def test_layers_that_the_run_never_reaches_are_named(encoder, log):
    recipe = OptimizerRecipe(unfreeze_every=4)
    recipe.make(encoder, 13)
    assert not log.text
    recipe.make(encoder, 8)
    assert "has 8 steps, too few" in log.text
    assert "learn: embeddings, transformer_block_0." in log.text


def test_layers_that_are_never_to_learn_are_not_named(encoder, log):
    recipe = OptimizerRecipe(unfreeze_every=4)
    blocks = [one for one in encoder.weights if "block" in one.path]
    recipe.make(encoder, 8, blocks)
    assert "learn: transformer_block_0." in log.text
    log.clear()
    recipe.make(encoder, 9, blocks)
    assert not log.text


def test_before_a_run_the_rate_is_the_peak(encoder, log):
    recipe = OptimizerRecipe(learning_rate=5e-5, unfreeze_fraction=0.1)
    optimizer = recipe.make(encoder)
    assert float(optimizer.learning_rate) == pytest.approx(5e-5)
    assert not log.text


def test_a_run_of_unknown_length_warms_up(encoder, log):
    optimizer = OptimizerRecipe(warmup_steps=5).make(encoder, -1)
    assert "The number of steps is unknown" in log.text
    schedule = schedule_of(optimizer)
    assert type(schedule) is WarmupThenConstant
    assert schedule.warmup_steps == 5


def test_a_constant_rate_needs_no_number_of_steps(encoder, log):
    OptimizerRecipe(schedule="constant", warmup_steps=5).make(encoder, -1)
    assert not log.text
    OptimizerRecipe(schedule="constant").make(encoder, -1)
    assert "The number of steps is unknown" in log.text


@pytest.mark.parametrize(
    ("options", "num_batches", "message"),
    [
        ({"unfreeze_fraction": 0.1}, 0, "needs a known number of steps"),
        ({"gradient_accumulation_steps": 4}, 3, "3 batches, grad.*steps=4"),
        ({"warmup_steps": 9}, 8, "warmup_steps=9, total_steps=8"),
    ],
)
def test_runs_that_do_not_suit_are_refused(
    encoder, options, num_batches, message
):
    with pytest.raises(InputError, match=message):
        OptimizerRecipe(**options).make(encoder, num_batches)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimizer": "adam"}, "adamw, lamb. Received: optimizer='adam'"),
        ({"optimizer": ["adamw"]}, "adamw, lamb. Received: optimizer=.'adam"),
        ({"schedule": "step"}, "constant, cosine, linear.*schedule='step'"),
        ({"schedule": 0.1}, "constant, cosine, linear.*schedule=0.1"),
        (
            {"schedule": WarmupThenLinearDecay(0.1, 9)},
            "finished WarmupThenLinearDecay. Give its class",
        ),
        ({"warmup_fraction": 0.0, "warmup_steps": 2}, "=0.0, warmup_steps=2"),
        ({"unfreeze_every": 2, "unfreeze_fraction": 0.5}, "Leave one of them"),
        (
            {"clipnorm": 1.0, "clipvalue": 1.0, "global_clipnorm": None},
            "Only one of clipnorm and clipvalue is allowed. .*clipnorm=1.0, ",
        ),
        ({"epsilon": 0.0}, "`epsilon` must be between 1e-37"),
        ({"name": "a/b"}, "without a slash"),
    ],
)
def test_impossible_recipes_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        OptimizerRecipe(**options)


@pytest.mark.parametrize(
    "option",
    [one for one in declared(OptimizerRecipe) if one.values.type is float],
    ids=lambda option: option.name,
)
@pytest.mark.parametrize("value", [math.nan, math.inf, "0.1", True])
def test_numbers_are_finite_numbers(option, value):
    message = f"`{option.name}` must be .* Received: {option.name}={value!r}"
    with pytest.raises(InputError, match=message):
        OptimizerRecipe(**{option.name: value})


def test_other_options_than_a_recipe_has_are_refused():
    with pytest.raises(TypeError, match="accumulate_steps"):
        OptimizerRecipe(accumulate_steps=4)


def test_a_recipe_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        OptimizerRecipe().learning_rate = 1.0


def test_options_may_be_left_open(encoder):
    recipe = OptimizerRecipe(
        clipnorm=None,
        global_clipnorm=1,
        gradient_accumulation_steps=1,
        name="own",
    )
    optimizer = recipe.make(encoder, 20)
    assert (optimizer.clipnorm, optimizer.global_clipnorm) == (None, 1.0)
    assert optimizer.num_accumulated == 1
    assert optimizer.name == "own"
    assert schedule_of(optimizer).total_steps == 20


def test_a_function_that_returns_no_rate_is_named(encoder):
    recipe = OptimizerRecipe(schedule=lambda peak, total, warmup: None)
    with pytest.raises(InputError, match="one that returned None"):
        recipe.make(encoder, 20)


@pytest.mark.parametrize("name", ["AdamW", "LAMB", "Auto"])
def test_names_are_those_of_ours_as_keras_reads_them(name):
    recipe = recipe_of(name, learning_rate=0.1)
    assert recipe.optimizer == ("lamb" if name == "LAMB" else "adamw")


def test_names_and_numbers_make_a_recipe():
    recipe = recipe_of("auto", learning_rate=0.1)
    assert (recipe.optimizer, recipe.learning_rate) == ("adamw", 0.1)
    assert recipe.weight_decay == 0.01
    assert recipe_of("lamb", learning_rate=None).learning_rate is None
    assert recipe_of(recipe) is recipe
    assert recipe_of("sgd") is None
    assert recipe_of(keras.optimizers.SGD()) is None


@pytest.mark.parametrize("optimizer", ["sgd", OptimizerRecipe()])
def test_numbers_beside_an_optimizer_are_refused(optimizer):
    with pytest.raises(InputError, match="learning_rate are for the optim"):
        recipe_of(optimizer, learning_rate=0.1)
