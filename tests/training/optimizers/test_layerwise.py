"""Each variable at a rate of its own, from a step of its own on."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.training.optimizers.layerwise import AdamW
from keras_bert_zoo.training.optimizers.layerwise import Lamb
from keras_bert_zoo.training.optimizers.recipe import WarmupThenLinearDecay

KINDS = pytest.mark.parametrize("kind", [AdamW, Lamb])


def variable(layer, start=1.0, name="kernel"):
    layer = keras.layers.Layer(name=layer)
    return layer.add_weight(
        shape=(2,),
        name=name,
        initializer=keras.initializers.Constant(start),
    )


def steps(optimizer, variables, num_steps, gradient=(2.0, -1.0)):
    """Yields the values of variables after each update."""
    for _ in range(num_steps):
        optimizer.apply([tf.constant(gradient)] * len(variables), variables)
        yield [one.numpy() for one in variables]


@KINDS
def test_a_layer_has_its_share_of_rate_and_decay(kind):
    low, high = variable("low"), variable("high")
    optimizer = kind(0.1, weight_decay=0.3, layer_rates=[("low", 0.25, 0)])
    ((found, whole),) = steps(optimizer, [low, high], 1)
    alone = variable("low")
    ((quarter,),) = steps(kind(0.025, weight_decay=0.3), [alone], 1)
    np.testing.assert_allclose(found, quarter, rtol=1e-6)
    np.testing.assert_allclose(1 - whole, 4 * (1 - found), rtol=1e-4)


@KINDS
def test_a_layer_waits_for_its_step(kind):
    low, high = variable("low"), variable("high")
    optimizer = kind(0.1, weight_decay=0.3, layer_rates=[("low", 1.0, 2)])
    found = list(steps(optimizer, [low, high], 2))
    for waiting, learning in found:
        np.testing.assert_array_equal(waiting, np.ones(2, "float32"))
        assert (learning != 1).all()
    assert not optimizer._momentums[0].numpy().any()
    assert not optimizer._velocities[0].numpy().any()
    later = [values[0] for values in steps(optimizer, [low, high], 2)]
    # Then it learns as if it began there.
    fresh = variable("fresh")
    plain = [
        values[0] for values in steps(kind(0.1, weight_decay=0.3), [fresh], 2)
    ]
    np.testing.assert_allclose(later, plain, rtol=1e-6)


@KINDS
def test_infinite_gradients_of_a_waiting_layer_do_no_harm(kind):
    low, high = variable("low"), variable("high")
    optimizer = kind(0.1, layer_rates=[("low", 1.0, 1)])
    gradients = [tf.constant([np.inf, np.nan]), tf.ones(2)]
    optimizer.apply(gradients, [low, high])
    np.testing.assert_array_equal(low.numpy(), np.ones(2))
    assert not optimizer._velocities[0].numpy().any()


def test_gradients_of_a_waiting_layer_are_not_clipped_with_the_others():
    found = []
    for gradient in (0.0, 1e6):
        low, high = variable("low"), variable("high")
        optimizer = AdamW(
            0.1, epsilon=1.0, global_clipnorm=1.0, layer_rates=[("low", 1.0, 1)]
        )
        optimizer.apply([tf.fill([2], gradient), tf.ones(2)], [low, high])
        found.append(high.numpy())
    np.testing.assert_array_equal(*found)


@KINDS
def test_steps_are_counted_in_updates_where_gradients_are_accumulated(kind):
    options = {"weight_decay": 0.3, "layer_rates": [("low", 1.0, 1)]}
    schedule = WarmupThenLinearDecay(0.1, total_steps=4, warmup_steps=2)
    several, each = ([variable("low"), variable("high")] for _ in range(2))
    accumulated = kind(schedule, gradient_accumulation_steps=3, **options)
    after = list(steps(accumulated, several, 12))[2::3]
    plain = list(steps(kind(schedule, **options), each, 4))
    np.testing.assert_allclose(after, plain, rtol=1e-5)
    # Before an update nothing moves.
    assert float(accumulated.learning_rate) == 0.0
    assert int(accumulated.iterations) == 4


def test_layers_are_told_apart_by_their_whole_names():
    first, tenth = variable("block_1"), variable("block_10")
    optimizer = AdamW(0.1, layer_rates=[("block_1", 0.0, 0)])
    ((still, moved),) = steps(optimizer, [first, tenth], 1)
    assert (still == 1).all() and (moved != 1).all()


def test_rates_of_layers_that_are_not_trained_are_refused():
    optimizer = AdamW(0.1, layer_rates=[("low", 0.5, 0)])
    with pytest.raises(InputError, match="rates of low, and variables high/"):
        optimizer.build([variable("high")])


@KINDS
@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("low", 0.5), r"rows of .* Received: \('low', 0.5\). Give all three"),
        (None, "Received: None"),
        ((3, 0.5, 0), "a layer's name"),
        (("low", -0.5, 0), "share that is not negative"),
        (("low", "0.5", 0), "`share` must be a finite number"),
        (("low", 0.5, -3), "`start` must be a whole number, at least 0"),
        (("low", 0.5, 2.5), "`start` must be a whole number"),
    ],
)
def test_impossible_rows_are_refused(kind, row, message):
    with pytest.raises(InputError, match=message):
        kind(0.1, layer_rates=[row])


@KINDS
def test_no_decay_is_a_decay_of_zero(kind):
    with pytest.raises(InputError, match="weight_decay=None"):
        kind(0.1, weight_decay=None)
    one = variable("low")
    list(steps(kind(0.1, weight_decay=0), [one], 1))


@KINDS
def test_rates_and_state_survive_a_keras_file(kind, tmp_path):
    layers = [keras.layers.Dense(2, name=name) for name in ("low", "high")]
    model = keras.Sequential([keras.Input((2,)), *layers])
    schedule = WarmupThenLinearDecay(0.1, total_steps=9, warmup_steps=2)
    rates = [("low", 0.5, 2)]
    model.compile(kind(schedule, layer_rates=rates), "mse", jit_compile=False)
    x, y = np.ones((4, 2)), np.zeros((4, 2))
    model.train_on_batch(x, y)
    model.save(tmp_path / "model.keras")
    twin = keras.saving.load_model(tmp_path / "model.keras")
    assert twin.optimizer.layer_rates == (("low", 0.5, 2),)
    for _ in range(2):
        model.train_on_batch(x, y)
        twin.train_on_batch(x, y)
    for ours, theirs in zip(twin.get_weights(), model.get_weights()):
        np.testing.assert_array_equal(ours, theirs)


def test_names_can_be_excluded_from_decay():
    for chosen in ({"var_names": ["table"]}, {"var_list": None}):
        table, kernel = variable("low", name="table"), variable("low")
        optimizer = AdamW(0.1, weight_decay=0.5)
        chosen = {k: v or [table] for k, v in chosen.items()}
        optimizer.exclude_from_weight_decay(**chosen)
        ((same, decayed),) = steps(optimizer, [table, kernel], 1, (0.0, 0.0))
        np.testing.assert_array_equal(same, np.ones(2))
        np.testing.assert_allclose(decayed, np.full(2, 0.95), rtol=1e-6)


def test_averages_follow_the_weights():
    one = variable("low")
    optimizer = AdamW(0.1, ema_momentum=0.5)
    values = [values[0] for values in steps(optimizer, [one], 3)]
    optimizer.finalize_variable_values([one])
    expected = 0.25 * values[0] + 0.25 * values[1] + 0.5 * values[2]
    np.testing.assert_allclose(one.numpy(), expected, rtol=1e-6)


def test_a_scaled_loss_makes_the_same_updates():
    found = []
    for scale in (None, 8.0):
        one = variable("low")
        optimizer = AdamW(0.1, loss_scale_factor=scale, clipnorm=1.0)
        gradient = [float(optimizer.scale_loss(one)) for one in (2.0, -1.0)]
        found += list(steps(optimizer, [one], 2, gradient))
    np.testing.assert_array_equal(found[:2], found[2:])


def test_gradients_that_are_missing_are_named():
    low, high = variable("low"), variable("high")
    optimizer = AdamW(0.1)
    with pytest.warns(UserWarning, match="does not depend on low/kernel."):
        optimizer.apply([None, tf.ones(2)], [low, high])
    np.testing.assert_array_equal(low.numpy(), np.ones(2))
    with pytest.raises(InputError, match="low/kernel, high/kernel. Nothing"):
        optimizer.apply([None, None], [low, high])
    with pytest.raises(InputError, match="Received others: new/kernel"):
        optimizer.apply([tf.ones(2)], [variable("new")])


def test_state_is_found_by_a_checkpoint(tmp_path):
    one = variable("low")
    optimizer = AdamW(0.1)
    list(steps(optimizer, [one], 1))
    path = tf.train.Checkpoint(optimizer=optimizer).save(tmp_path / "state")
    twin = variable("low")
    other = AdamW(0.1)
    other.build([twin])
    tf.train.Checkpoint(optimizer=other).restore(path).assert_consumed()
    twin.assign(one.numpy())
    ((found,),) = steps(other, [twin], 1)
    ((expected,),) = steps(optimizer, [one], 1)
    np.testing.assert_array_equal(found, expected)
