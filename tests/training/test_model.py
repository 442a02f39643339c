"""`fit` counts the batches that there are."""

import keras
import numpy as np
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
