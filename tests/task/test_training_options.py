"""What `compile` makes of recipes, on a model that is fitted."""

import functools
import pathlib

import keras
import numpy as np
import programs
import pytest
import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task.model import TaskModel
from keras_bert_zoo.training.model import ReplicatedModel
from keras_bert_zoo.training.optimizers.layerwise import Lamb
from keras_bert_zoo.training.optimizers.recipe import OptimizerRecipe

LAYERS = ("embeddings", "transformer_block_0")


def fit(model, texts, labels, recipe, epochs, **options):
    model.compile(recipe)
    return model.fit(
        texts, labels, epochs=epochs, batch_size=4, verbose=0, **options
    )


def layer_of(variable):
    return variable.path.split("/")[0]


@pytest.mark.slow
def test_layers_learn_one_after_another(make_model, texts, labels):
    model = make_model()
    recipe = OptimizerRecipe(
        optimizer="lamb",
        learning_rate=0.01,
        layer_decay=0.9,
        unfreeze_every=2,
    )
    variables = model.trainable_variables
    before = [variable.numpy() for variable in variables]
    moved, averaged = [], []

    def note(batch, logs):
        optimizer = model.optimizer
        moved.append(
            {
                layer_of(variable)
                for variable, old in zip(variables, before)
                if not np.array_equal(variable.numpy(), old)
            }
        )
        averaged.append(
            {
                layer_of(variable)
                for variable, *moments in zip(
                    variables, optimizer._momentums, optimizer._velocities
                )
                if any(moment.numpy().any() for moment in moments)
            }
        )

    noting = keras.callbacks.LambdaCallback(on_train_batch_end=note)
    fit(model, texts, labels, recipe, epochs=3, callbacks=[noting])
    head = {"pooler", "logits"}
    expected = [head | set(LAYERS[2 - step // 2 :]) for step in range(6)]
    assert moved == expected
    assert averaged == expected


def test_a_name_is_enough(make_model):
    model = make_model()
    model.compile("lamb", learning_rate=0.01)
    assert type(model.optimizer) is Lamb
    assert float(model.optimizer.learning_rate) == pytest.approx(0.01)


@pytest.mark.slow
def test_the_rate_follows_updates_to_the_end(make_model, texts, labels):
    model = make_model()
    recipe = OptimizerRecipe(
        learning_rate=0.1, warmup_steps=2, gradient_accumulation_steps=2
    )
    rates = []
    note = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: rates.append(
            float(model.optimizer.learning_rate)
        )
    )
    fit(model, texts, labels, recipe, epochs=4, callbacks=[note])
    expected = [0.05, 0.1, 0.1 * 2 / 3, 0.1 / 3]
    np.testing.assert_allclose(rates, np.repeat(expected, 2), rtol=1e-6)


@pytest.mark.slow
def test_a_compiled_model_keeps_its_rates(make_model, texts, labels, tmp_path):
    model = make_model()
    recipe = OptimizerRecipe(
        optimizer="lamb", schedule="cosine", layer_decay=0.5
    )
    fit(model, texts, labels, recipe, epochs=1)
    model.save(tmp_path / "model.keras")
    twin = keras.saving.load_model(tmp_path / "model.keras").optimizer
    assert twin.get_config() == model.optimizer.get_config()
    assert twin.layer_rates[0] == ("embeddings", 0.25, 0)
    for ours, theirs in zip(twin.variables, model.optimizer.variables):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


@pytest.mark.slow
def test_averages_are_judged_kept_and_saved(make_model, texts, labels):
    model = make_model()
    recipe = OptimizerRecipe(learning_rate=0.05, ema_momentum=0.9)
    own, average, shown = [], None, []

    def step(batch, logs):
        nonlocal average
        values = [one.numpy() for one in model.trainable_variables]
        own.append(values)
        average = [
            value if average is None else 0.9 * old + 0.1 * value
            for old, value in zip(average or values, values)
        ]

    class Note(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            found = [one.numpy() for one in self.model.trainable_variables]
            shown.append((found, average, logs["val_loss"]))

    best = keras.callbacks.EarlyStopping(
        "val_loss", patience=9, restore_best_weights=True
    )
    fit(
        model,
        texts,
        labels,
        recipe,
        epochs=3,
        validation_data=(texts, labels),
        callbacks=[
            keras.callbacks.LambdaCallback(on_train_batch_end=step),
            Note(),
            best,
        ],
    )
    for found, expected, _ in shown:
        for one, other in zip(found, expected):
            np.testing.assert_allclose(one, other, atol=1e-6)
    # Training went on with the weights themselves.
    change = [abs(a - b).max() for a, b in zip(own[1], own[2])]
    assert 0 < max(change) <= 0.06
    losses = [loss for *_, loss in shown]
    final = model.evaluate(texts, labels, batch_size=4, verbose=0)[0]
    assert final == pytest.approx(min(losses), rel=1e-5)


def keep(model, steps, batch, logs):
    steps.append(model.get_layer("logits").kernel.numpy())


@pytest.mark.slow
def test_averages_end_a_run_without_validation(make_model, texts, labels):
    results = []
    for options in ({}, {"ema_momentum": 0.5}):
        model = make_model()
        keras.utils.set_random_seed(4)
        recipe = OptimizerRecipe(learning_rate=0.05, **options)
        steps = []
        note = keras.callbacks.LambdaCallback(
            on_train_batch_end=functools.partial(keep, model, steps)
        )
        fit(model, texts, labels, recipe, epochs=2, callbacks=[note])
        results.append((steps, model.get_layer("logits").kernel.numpy()))
    (plain, last), (averaged, found) = results
    # The averages change nothing in training.
    np.testing.assert_allclose(plain, averaged, rtol=1e-5)
    expected = plain[0]
    for kernel in plain[1:]:
        expected = 0.5 * expected + 0.5 * kernel
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert abs(found - last).max() > 1e-3


@pytest.mark.slow
def test_frozen_embeddings_stay_as_they_were(make_model, texts, labels):
    model = make_model(freeze_embeddings=True)
    embeddings = model.encoder.get_layer("embeddings")
    before = embeddings.get_weights()
    fit(model, texts, labels, OptimizerRecipe(learning_rate=0.05), epochs=2)
    for ours, theirs in zip(embeddings.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_frozen_embeddings_have_no_moments(make_model):
    model = make_model(freeze_embeddings=True)
    model.compile()
    layers = {layer_of(one) for one in model.trainable_variables}
    assert layers == {"transformer_block_0", "pooler", "logits"}
    # Two for each, the rate and the count of steps.
    num_variables = len(model.optimizer.variables)
    assert num_variables == 2 * len(model.trainable_variables) + 2


def test_frozen_embeddings_are_saved(make_model, tmp_path):
    model = make_model(freeze_embeddings=True)
    model.compile()
    model.save(tmp_path / "model.keras")
    twin = keras.saving.load_model(tmp_path / "model.keras")
    assert twin.freeze_embeddings
    assert len(twin.trainable_variables) == len(model.trainable_variables)


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("freeze_embeddings", "embeddings"),
        ("freeze_encoder", "transformer_block_0"),
    ],
)
@pytest.mark.parametrize(
    "saved", [True, pytest.param(False, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize(
    "given", [None, False, True], ids=["as saved", "not frozen", "frozen"]
)
def test_a_loaded_model_trains_what_the_saved_one_did(
    make_model, tmp_path, name, layer, saved, given
):
    make_model(**{name: saved}).save_to_preset(tmp_path / "preset")
    loaded = TaskModel.from_preset(tmp_path / "preset", **{name: given})
    expected = saved if given is None else given
    assert getattr(loaded, name) is expected
    layers = {layer_of(one) for one in loaded.trainable_variables}
    assert (layer in layers) != expected


def test_a_new_head_trains_all(make_model, tmp_path):
    frozen = make_model(freeze_encoder=True, freeze_embeddings=True)
    frozen.save_to_preset(tmp_path / "preset")
    loaded = TaskModel.from_preset(
        tmp_path / "preset", "classification", labels=["a", "b"]
    )
    assert not loaded.freeze_encoder
    assert not loaded.freeze_embeddings


@pytest.mark.slow
def test_two_replicas_are_one_device():
    one, two = programs.run(
        pathlib.Path(__file__).with_name("recipe_on_two_devices.py")
    )
    for name, losses in one.items():
        assert losses == pytest.approx(two[name], abs=2e-5)
    assert one["loss"][0] - one["loss"][-1] > 1e-3
    # The averages of the last epoch, validated and kept.
    assert one["val_loss"][-2] == pytest.approx(one["val_loss"][-1])


@functools.cache
def fitted_in_steps(make_model, several):
    """Five batches an epoch, the last with one text."""
    texts = ["fine " * (1 + n % 6) for n in range(21)]
    labels = ["good" if n % 3 else "bad" for n in range(21)]
    keras.utils.set_random_seed(0)
    model = make_model(attention_dropout=0.1)
    model.compile(keras.optimizers.SGD(0.1), steps_per_execution=several)
    history = model.fit(
        texts, labels, batch_size=5, epochs=2, verbose=0
    ).history
    return history, model.get_weights()


@pytest.mark.slow
@pytest.mark.parametrize("several", [2, 3, 7])
def test_several_steps_at_once_end_with_the_epoch(make_model, several):
    history, weights = fitted_in_steps(make_model, 1)
    own_history, own_weights = fitted_in_steps(make_model, several)
    for name, values in history.items():
        np.testing.assert_allclose(values, own_history[name], atol=1e-6)
    for one, other in zip(weights, own_weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def ready_arrays(num_rows):
    ids = np.random.default_rng(0).integers(5, 10, (num_rows, 4))
    features = {
        "token_ids": ids,
        "segment_ids": np.zeros_like(ids),
        "padding_mask": np.ones_like(ids),
    }
    return features, np.arange(num_rows) % 2


def weights_after(model, several, *data, loss="auto", **options):
    model.compile(keras.optimizers.SGD(0.1), loss, steps_per_execution=several)
    model.fit(*data, shuffle=False, verbose=0, **options)
    return [int(model.optimizer.iterations), *model.get_weights()]


@functools.cache
def after_a_part_of_a_pass(num_steps, several, is_dataset):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((3,))
    hidden = keras.layers.Dropout(0.5, seed=1)(inputs)
    model = ReplicatedModel(inputs, keras.layers.Dense(2)(hidden))
    rows = np.random.default_rng(0).normal(size=(12, 3)).astype("float32")
    data = rows, rows[:, :2]
    if is_dataset:
        data = (tf.data.Dataset.from_tensor_slices(data).batch(1),)
    options = {"epochs": 6, "steps_per_epoch": num_steps, "batch_size": 1}
    return weights_after(model, several, *data, loss="mse", **options)


@pytest.mark.filterwarnings("ignore:The data ended before the epoch")
@pytest.mark.parametrize(
    "is_dataset", [True, pytest.param(False, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize(
    ("num_steps", "several"),
    [
        (5, 9),
        pytest.param(4, 3, marks=pytest.mark.slow),
        pytest.param(5, 2, marks=pytest.mark.slow),
        pytest.param(5, 4, marks=pytest.mark.slow),
    ],
)
def test_a_pass_may_take_several_epochs(num_steps, several, is_dataset):
    """Data of 12 batches, of which an epoch takes a part."""
    one, other = (
        after_a_part_of_a_pass(num_steps, number, is_dataset)
        for number in (1, several)
    )
    assert one[0] == 24
    for expected, found in zip(one, other, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "num_steps"),
    [
        ({"validation_split": 0.2}, 24),
        ({"validation_split": 0.3}, 21),
        ({"validation_split": 0.2, "validation_data": ready_arrays(4)}, 30),
    ],
)
def test_the_rate_falls_over_the_examples_that_are_left(
    make_model, options, num_steps
):
    model = make_model(freeze_encoder=True)
    model.compile()
    model.fit(*ready_arrays(40), batch_size=4, epochs=3, verbose=0, **options)
    assert int(model.optimizer.iterations) == num_steps
    schedule = model.optimizer.get_config()["learning_rate"]["config"]
    assert schedule["total_steps"] == num_steps


@pytest.mark.slow
def test_several_steps_at_once_end_with_the_examples_that_are_left(make_model):
    one, other = (
        weights_after(
            make_model(attention_dropout=0.1),
            number,
            *ready_arrays(40),
            batch_size=4,
            epochs=3,
            validation_split=0.2,
        )
        for number in (1, 3)
    )
    for expected, found in zip(one, other, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("epochs", [-1, "2", 1.5, True])
def test_epochs_are_a_whole_number(make_model, texts, labels, epochs):
    with pytest.raises(InputError, match="`epochs` must be a whole number"):
        make_model().fit(texts, labels, epochs=epochs)


@pytest.mark.parametrize(
    "option", [{"packed_length": 32}, {"tokens_per_batch": 64}]
)
def test_ready_batches_stay_as_they_are(make_model, option):
    ((name, value),) = option.items()
    with pytest.raises(InputError, match=f"Received: {name}={value}. Leave"):
        make_model().fit(*ready_arrays(4), **option)
    with pytest.raises(InputError, match="Received: fixed_shapes=True. Leave"):
        make_model().fit(*ready_arrays(4), fixed_shapes=True)
