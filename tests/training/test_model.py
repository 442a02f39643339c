"""`fit` counts the batches that there are."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo.training.model import ReplicatedModel


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
def test_a_step_is_traced_once(num_outputs):
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
    history = model.fit(dataset.repeat(3), verbose=0).history
    assert model.train_function.experimental_get_tracing_count() == 1
    # What was built from types alone has counted nothing.
    assert history["loss"][0] > 0
