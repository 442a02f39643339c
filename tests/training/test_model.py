"""`fit` counts the batches that there are."""

import gc
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo.layers import LayerNorm
from keras_bert_zoo.training.model import ReplicatedModel
from keras_bert_zoo.training.step import Step


def test_the_end_of_the_data_is_no_step():
    inputs = keras.Input((2,))
    dropout = keras.layers.Dropout(0.5, seed=1)
    outputs = keras.layers.Dense(1)(dropout(inputs))
    model = ReplicatedModel(inputs, outputs)
    model.compile("adam", "mse")
    rows = np.ones((7, 2), "float32")
    dataset = tf.data.Dataset.from_tensor_slices((rows, rows[:, :1])).batch(2)
    # Of unknown length: Keras finds its end by asking for more.
    dataset = dataset.filter(lambda x, y: True)
    model.fit(dataset, epochs=3, verbose=0)
    assert int(model.optimizer.iterations) == 3 * 4
    assert int(dropout.seed_generator.state[1]) == 3 * 4


@pytest.mark.parametrize("num_outputs", [1, 2])
def test_a_step_is_traced_once(num_outputs, monkeypatch):
    inputs = keras.Input((2,))
    outputs = {
        f"y{n}": keras.layers.Dense(1)(inputs) for n in range(num_outputs)
    }
    if num_outputs == 1:
        outputs = outputs["y0"]
    model = ReplicatedModel(inputs, outputs)
    optimizer = keras.optimizers.SGD()
    model.compile(
        optimizer,
        loss="mse",
        weighted_metrics=keras.tree.map_structure(lambda _: "mae", outputs)
        if num_outputs > 1
        else ["mae"],
    )
    optimizer.build(model.trainable_variables)
    ones = tf.ones((2, 1))
    labels = keras.tree.map_structure(lambda _: ones, outputs)
    dataset = tf.data.Dataset.from_tensors((tf.ones((2, 2)), labels))
    train, traced = Step.train, []
    monkeypatch.setattr(Step, "train", lambda *own: traced.append(train(*own)))
    history = model.fit(dataset.repeat(3), verbose=0).history
    assert len(traced) == 1
    # What was built from types alone has counted nothing.
    assert history["loss"][0] > 0


@pytest.mark.parametrize("steps_per_execution", [1, 2])
def test_weights_and_slots_go_with_the_model(steps_per_execution):
    """A gradient of its own, as layer norm has, is registered for good."""
    inputs = keras.Input((2,))
    model = ReplicatedModel(inputs, LayerNorm()(inputs))
    model.compile("adam", "mse", steps_per_execution=steps_per_execution)
    rows = np.ones((4, 2), "float32")
    model.fit(rows, rows, batch_size=2, verbose=0)
    variables = [*model.weights, *model.optimizer.variables]
    kept = [weakref.ref(one.value.handle) for one in variables]
    del inputs, model, variables
    gc.collect()
    assert not any(one() is not None for one in kept)


ROWS = np.array([[0.5, -1.0], [1.0, 2.0], [0.0, 1.0]], "float32")
LABELS = np.array([0, 1, 1])
WEIGHTS = np.array([1.0, 0.0, 3.0], "float32")


def two_inputs(base, **options):
    keras.utils.set_random_seed(2)
    inputs = [keras.Input((2,)), keras.Input((2,))]
    outputs = keras.layers.Dense(2)(keras.layers.Add()(inputs))
    model = base(inputs, outputs)
    model.compile(
        keras.optimizers.SGD(0.1, gradient_accumulation_steps=2),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        weighted_metrics=["accuracy"],
        **options,
    )
    return model


def by_batch(model, num_rows, **weights):
    x = [ROWS[:num_rows], ROWS[:num_rows]]
    y = LABELS[:num_rows]
    # Which Keras takes in training alone.
    tested = {k: v for k, v in weights.items() if k != "class_weight"}
    return [
        *(model.train_on_batch(x, y, **weights) for _ in range(4)),
        model.test_on_batch(x, y, **tested),
    ]


@pytest.mark.parametrize(
    "weights",
    [
        pytest.param({}, marks=pytest.mark.slow),
        {"sample_weight": WEIGHTS},
        pytest.param(
            {"class_weight": {0: 0.5, 1: 2.0}}, marks=pytest.mark.slow
        ),
    ],
    ids=["plain", "sample_weight", "class_weight"],
)
@pytest.mark.parametrize(
    "options",
    [
        {},
        pytest.param({"run_eagerly": True}, marks=pytest.mark.slow),
        pytest.param({"steps_per_execution": 3}, marks=pytest.mark.slow),
    ],
    ids=["plain", "eager", "several"],
)
def test_a_batch_is_trained_on_as_keras_does(weights, options):
    ours, theirs = (
        two_inputs(base, **options) for base in (ReplicatedModel, keras.Model)
    )
    found, expected = (by_batch(one, 3, **weights) for one in (ours, theirs))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert found[-1][0] < found[0][0]
    for one, other in zip(ours.get_weights(), theirs.get_weights()):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_batches_may_differ_in_their_rows(monkeypatch):
    train, traced = Step.train, []
    monkeypatch.setattr(Step, "train", lambda *own: traced.append(train(*own)))
    models = [two_inputs(base) for base in (ReplicatedModel, keras.Model)]
    for num_rows in (1, 2, 3):
        found, expected = (by_batch(one, num_rows) for one in models)
        np.testing.assert_allclose(found, expected, rtol=1e-5)
    # For one row, and for any number.
    assert len(traced) == 2


def test_metrics_of_a_batch_have_names():
    model = two_inputs(ReplicatedModel)
    x = [ROWS, ROWS]
    found = model.test_on_batch(x, LABELS, return_dict=True)
    assert found == model.evaluate(x, LABELS, verbose=0, return_dict=True)
    assert set(found) == set(model.train_on_batch(x, LABELS, return_dict=True))


@pytest.mark.parametrize(
    "steps",
    [*(pytest.param(one, marks=pytest.mark.slow) for one in (1, 5)), 4, None],
)
def test_as_many_steps_as_wanted(steps):
    """Whatever many of them an execution makes, in each epoch."""
    inputs = keras.Input((1,))
    model = ReplicatedModel(inputs, keras.layers.Dense(1)(inputs))
    optimizer = keras.optimizers.SGD(0.0)
    model.compile(
        optimizer,
        "mse",
        metrics=[keras.metrics.MeanMetricWrapper(_first, name="first")],
        steps_per_execution=3,
    )
    rows = np.arange(6, dtype="float32")[:, None]
    ready = tf.data.Dataset.from_tensor_slices((rows, rows)).batch(1)
    history = model.fit(
        ready.repeat(),
        epochs=2,
        steps_per_epoch=4,
        validation_data=ready,
        validation_steps=steps,
        verbose=0,
    ).history
    assert int(optimizer.iterations) == 2 * 4
    mean = np.mean(rows[:steps])
    assert history["val_first"] == [pytest.approx(mean)] * 2
    for _ in range(2):
        scores = model.evaluate(ready, steps=steps, verbose=0, return_dict=True)
        assert scores["first"] == pytest.approx(mean)


def _first(y_true, y_pred):
    return y_true[:, 0]


class Autoencoder(ReplicatedModel):
    def train_step(self, data):
        rows = data[0] if isinstance(data, tuple) else data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(rows, rows, self(rows, training=True))
        variables = [one.value for one in self.trainable_variables]
        gradients = tape.gradient(loss, variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        return {"loss": loss}


@pytest.mark.parametrize("is_dataset", [False, True])
def test_a_step_of_its_own_may_make_the_labels(is_dataset):
    inputs = keras.Input((2,))
    model = Autoencoder(inputs, keras.layers.Dense(2)(inputs))
    model.compile("sgd", "mse", metrics=["mae"])
    rows = np.ones((4, 2), "float32")
    if is_dataset:
        rows = tf.data.Dataset.from_tensor_slices(rows).batch(4)
    history = model.fit(rows, epochs=2, verbose=0).history["loss"]
    assert history[1] < history[0]


class MeanAsLoss(keras.layers.Layer):
    def call(self, inputs):
        self.add_loss(tf.reduce_mean(inputs))
        return inputs


def test_numbers_need_no_labels():
    inputs = keras.Input((2,))
    hidden = MeanAsLoss()(keras.layers.Dense(1)(inputs))
    model = ReplicatedModel(inputs, keras.layers.Reshape(())(hidden))
    model.compile("sgd")
    rows = np.ones((4, 2), "float32")
    model.fit(rows, verbose=0)
    found = model.evaluate(rows, verbose=0)
    assert found == pytest.approx(np.mean(model.predict(rows, verbose=0)))
