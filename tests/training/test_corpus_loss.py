"""Words weigh alike in batches of many words and of few."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo.training.model import ReplicatedModel
from keras_bert_zoo.training.whole_batch import CorpusLoss

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


def corpus_loss():
    return CorpusLoss(Distance(reduction="mean_with_sample_weight"))


def test_divides_by_the_mean_size_so_far():
    model = make_model(ReplicatedModel, corpus_loss())
    assert weights_after(model, 2) == pytest.approx(expected(2), abs=1e-5)


def test_each_fit_begins_anew():
    model = make_model(ReplicatedModel, corpus_loss())
    first = weights_after(model)
    model.set_weights([np.ones((1, 1))])
    assert weights_after(model) == first


def test_is_the_loss_itself_elsewhere():
    results = []
    for loss in (corpus_loss(), corpus_loss().loss):
        model = make_model(keras.Model, loss)
        results.append(weights_after(model))
    assert results[0] == results[1]
    ours = make_model(ReplicatedModel, corpus_loss())
    words, weights = (np.array(part, "float32") for part in BATCHES[1])
    score = ours.evaluate(
        words[..., None], words[..., None], sample_weight=weights, verbose=0
    )
    assert score == pytest.approx(5.0)


def test_is_saved_with_what_it_is_made_of():
    config = keras.saving.serialize_keras_object(corpus_loss())
    loss = keras.saving.deserialize_keras_object(config)
    assert isinstance(loss, CorpusLoss)
    assert isinstance(loss.loss, Distance)
    assert loss.reduction == "mean_with_sample_weight"
