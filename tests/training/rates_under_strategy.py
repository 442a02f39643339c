"""Prints updates and rate of optimizers on one device and on two, as JSON."""

import contextlib
import json

import keras
import numpy as np
import tensorflow as tf
import two_devices

from keras_bert_zoo.training import keras_private
from keras_bert_zoo.training.model import ReplicatedModel
from keras_bert_zoo.training.optimizers.layerwise import AdamW

NUM_BATCHES = 5


class Falling(keras.optimizers.schedules.LearningRateSchedule):
    """1, 1/2, 1/3 and so on."""

    def __call__(self, step):
        return 1.0 / (1.0 + keras.ops.cast(step, "float32"))


def seen(optimizer):
    updates = keras_private.num_updates(optimizer)
    return [updates, keras_private.learning_rate(optimizer)]


def before_and_after(accumulated):
    """Returns what is seen of an optimizer before and after some batches."""
    inputs = keras.Input((2,))
    outputs = keras.layers.Dense(1)(inputs)
    model = ReplicatedModel(inputs, outputs)
    optimizer = AdamW(Falling(), gradient_accumulation_steps=accumulated)
    model.compile(optimizer, loss="mse")
    before = seen(optimizer)
    batch = (np.ones((2, 2), "float32"), np.ones((2, 1), "float32"))
    dataset = tf.data.Dataset.from_tensors(batch).repeat(NUM_BATCHES)
    model.fit(dataset, verbose=0)
    return [before, seen(optimizer)]


def main():
    strategy = two_devices.strategy()
    for scope in (contextlib.nullcontext(), strategy.scope()):
        with scope:
            for accumulated in (None, 3):
                print(json.dumps(before_and_after(accumulated)))


if __name__ == "__main__":
    main()
