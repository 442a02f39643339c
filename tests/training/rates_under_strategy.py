"""Prints updates and rate of optimizers on one device and on two, as JSON."""

import contextlib
import json

import keras
import numpy as np
import tensorflow as tf
import two_devices

from keras_bert_zoo.training.model import ReplicatedModel
from keras_bert_zoo.training.optimizers import updates
from keras_bert_zoo.training.optimizers.layerwise import AdamW

NUM_BATCHES = 5


class Falling(keras.optimizers.schedules.LearningRateSchedule):
    """1, 1/2, 1/3 and so on."""

    def __call__(self, step):
        return 1.0 / (1.0 + keras.ops.cast(step, "float32"))


def after_some_batches(optimizer):
    """Returns the number of updates, and the rate of the latest batch."""
    inputs = keras.Input((2,))
    outputs = keras.layers.Dense(1)(inputs)
    model = ReplicatedModel(inputs, outputs)
    model.compile(optimizer, loss="mse")
    rate = model.step_counters().learning_rate
    batch = (np.ones((2, 2), "float32"), np.ones((2, 1), "float32"))
    dataset = tf.data.Dataset.from_tensors(batch).repeat(NUM_BATCHES)
    model.fit(dataset, verbose=0)
    return [updates.num_updates(optimizer), float(rate.numpy())]


def main():
    strategy = two_devices.strategy()
    for scope in (contextlib.nullcontext(), strategy.scope()):
        with scope:
            for optimizer in (
                AdamW(Falling()),
                AdamW(Falling(), gradient_accumulation_steps=3),
                keras.optimizers.SGD(Falling()),
                keras.optimizers.LossScaleOptimizer(
                    keras.optimizers.SGD(lambda: 0.25)
                ),
            ):
                print(json.dumps(after_some_batches(optimizer)))


if __name__ == "__main__":
    main()
