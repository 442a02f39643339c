"""Words weigh alike in batches of many words and of few."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.training.losses import WeightedMean
from keras_bert_zoo.training.model import ReplicatedModel

# A batch of four words, one of a single word, one of none.
BATCHES = (
    ([[1.0, 2.0, 4.0, 8.0]], [[1.0, 1.0, 1.0, 1.0]]),
    ([[3.0, 5.0, 7.0, 9.0]], [[0.0, 1.0, 0.0, 0.0]]),
    ([[6.0, 6.0, 6.0, 6.0]], [[0.0, 0.0, 0.0, 0.0]]),
    ([[2.0, 4.0, 6.0, 8.0]], [[1.0, 1.0, 0.0, 1.0]]),
)
RATE = 0.01


@keras.saving.register_keras_serializable()
class Distance(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return y_pred[..., 0]


def make_model(base, loss):
    inputs = keras.Input((4, 1))
    layer = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
    model = base(inputs, layer(inputs))
    model.compile(keras.optimizers.SGD(RATE), loss)
    return model


def weights_after(model, num_epochs=1):
    """Returns the one weight after each batch."""
    found = []

    class Recorder(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            found.append(float(self.model.get_weights()[0][0, 0]))

    dataset = tf.data.Dataset.from_generator(
        lambda: (
            (
                np.array(words, "float32")[..., None],
                np.zeros((1, 4, 1), "float32"),
                np.array(weights, "float32"),
            )
            for words, weights in BATCHES
        ),
        output_signature=(
            tf.TensorSpec((1, 4, 1)),
            tf.TensorSpec((1, 4, 1)),
            tf.TensorSpec((1, 4)),
        ),
    )
    model.fit(dataset, epochs=num_epochs, verbose=0, callbacks=[Recorder()])
    return found


def expected(num_epochs=1):
    weight, sizes, found = 1.0, [], []
    for words, weights in BATCHES * num_epochs:
        sizes.append(np.sum(weights))
        # The slope of a sum of words times the weight.
        slope = np.sum(np.multiply(words, weights)) / np.mean(sizes)
        weight -= RATE * slope
        found.append(weight)
    return found


def mean_over_words(divisor="mean_batch"):
    loss = Distance(reduction="mean_with_sample_weight")
    return WeightedMean(loss, divisor=divisor)


def test_divides_by_the_mean_size_so_far():
    model = make_model(ReplicatedModel, mean_over_words())
    assert weights_after(model, 2) == pytest.approx(expected(2), abs=1e-5)


def test_each_fit_begins_anew():
    model = make_model(ReplicatedModel, mean_over_words())
    first = weights_after(model)
    model.set_weights([np.ones((1, 1))])
    assert weights_after(model) == first


def test_is_the_loss_itself_elsewhere():
    results = []
    for loss in (mean_over_words(), mean_over_words().loss):
        model = make_model(keras.Model, loss)
        results.append(weights_after(model))
    assert results[0] == results[1]
    ours = make_model(ReplicatedModel, mean_over_words())
    words, weights = (np.array(part, "float32") for part in BATCHES[1])
    score = ours.evaluate(
        words[..., None], words[..., None], sample_weight=weights, verbose=0
    )
    assert score == pytest.approx(5.0)


def test_is_saved_with_what_it_is_made_of():
    config = keras.saving.serialize_keras_object(mean_over_words())
    loss = keras.saving.deserialize_keras_object(config)
    assert isinstance(loss, WeightedMean)
    assert loss.divisor == "mean_batch"
    assert isinstance(loss.loss, Distance)
    assert loss.reduction == "mean_with_sample_weight"


def test_reports_the_mean_over_all_words():
    model = make_model(ReplicatedModel, mean_over_words())
    words, weights = (
        np.concatenate([np.float32(batch[part]) for batch in BATCHES])
        for part in (0, 1)
    )
    truth = np.average(words, weights=weights)
    data = (words[..., None], np.zeros((4, 4, 1)), weights)
    for batch_size in (1, 3, 4):
        score = model.evaluate(
            *data[:2],
            sample_weight=weights,
            batch_size=batch_size,
            verbose=0,
        )
        assert score == pytest.approx(truth, rel=1e-6)
    # Weights that stay as they are.
    model.optimizer.learning_rate = 0.0
    history = model.fit(
        tf.data.Dataset.from_tensor_slices(data).batch(3),
        validation_data=tf.data.Dataset.from_tensor_slices(data).batch(1),
        verbose=0,
    ).history
    assert history["loss"][0] == pytest.approx(truth, rel=1e-6)
    assert history["val_loss"][0] == pytest.approx(truth, rel=1e-6)


def test_reports_the_sum_of_means_over_all_words_of_each():
    inputs = keras.Input((4, 1))
    layer = keras.layers.Dense(
        1, use_bias=False, kernel_initializer="ones", kernel_regularizer="l2"
    )
    outputs = {"one": layer(inputs), "other": layer(-inputs), "row": inputs}
    model = ReplicatedModel(inputs, outputs)
    model.compile(
        keras.optimizers.SGD(0.0),
        {
            "one": mean_over_words(),
            "other": WeightedMean(Distance()),
            "row": "mae",
        },
        loss_weights={"one": 0.5, "other": 2.0, "row": 0.1},
    )
    words = np.arange(16.0).reshape(4, 4, 1)
    weights = {
        "one": np.float32([[1, 1, 0, 0], [0] * 4, [1] * 4, [0, 0, 0, 1]]),
        "other": np.ones((4, 4)),
        "row": np.ones((4, 4)),
    }
    labels = dict.fromkeys(outputs, np.zeros((4, 4, 1)))
    means = {
        "one_loss": np.average(words[..., 0], weights=weights["one"]),
        "other_loss": -np.mean(words),
        "row_loss": np.mean(words),
    }
    means["loss"] = 0.01 + np.dot([0.5, 2.0, 0.1], list(means.values()))
    data = tf.data.Dataset.from_tensor_slices((words, labels, weights))
    for batch_size in (1, 3):
        batches = data.batch(batch_size)
        found = model.evaluate(batches, verbose=0, return_dict=True)
        assert found == pytest.approx(means, rel=1e-6)
        history = model.fit(batches, verbose=0).history
        found = {name: values[0] for name, values in history.items()}
        assert found == pytest.approx(means, rel=1e-6)


def test_words_that_are_no_numbers_are_seen_where_none_count():
    model = make_model(ReplicatedModel, mean_over_words())
    words = np.ones((2, 4, 1), "float32")
    words[1] = np.nan
    weights = np.float32([[1.0] * 4, [0.0] * 4])
    data = (words, np.zeros((2, 4, 1)), weights)
    batches = tf.data.Dataset.from_tensor_slices(data).batch(1)
    assert np.isnan(model.fit(batches, verbose=0).history["loss"][0])


def test_divides_by_this_batch_or_the_mean_batch():
    model = make_model(ReplicatedModel, mean_over_words("batch"))
    means = [
        np.average(words, weights=weights)
        for words, weights in BATCHES
        if np.sum(weights)
    ]
    steps = weights_after(model)
    assert steps[0] == pytest.approx(1 - RATE * means[0], abs=1e-6)
    assert steps[-1] == pytest.approx(1 - RATE * sum(means), abs=1e-6)
    with pytest.raises(InputError, match="batch, mean_batch"):
        WeightedMean(Distance(), divisor="corpus")
