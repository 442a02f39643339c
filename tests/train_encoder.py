"""Trains a tiny encoder on whichever Keras backend is chosen.

Prints the backend, whether the loss fell, and the weights that never moved.
A program of its own, because a process has one backend; it runs where
TensorFlow is not installed.
"""

import keras
import numpy as np

from keras_bert_zoo.encoders.bert import BertEncoder


def main():
    keras.utils.set_random_seed(1)
    encoder = BertEncoder(
        20, 2, 2, 8, 16, max_sequence_length=16, initializer_range=0.2
    )
    logits = keras.layers.Dense(2)(encoder.output["pooled_output"])
    model = keras.Model(encoder.input, logits)
    model.compile(
        keras.optimizers.SGD(0.1),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    ids = np.arange(1, 11).reshape(2, 5)
    x = {"token_ids": ids, "segment_ids": 0 * ids, "padding_mask": 0 * ids + 1}
    y = np.array([0, 1])
    before = [weight.copy() for weight in encoder.get_weights()]
    losses = [float(model.train_on_batch(x, y)) for _ in range(8)]
    unmoved = [
        weight.path
        for weight, old in zip(encoder.weights, before, strict=True)
        if weight.trainable
        and np.array_equal(keras.ops.convert_to_numpy(weight), old)
    ]
    print(keras.backend.backend(), losses[-1] < losses[0], unmoved)


if __name__ == "__main__":
    main()
