"""Prints what two replicas do that one device cannot, as one JSON object."""

import contextlib
import json

import keras
import numpy as np
import tensorflow as tf
import two_devices
from compare_strategies import dataset
from compare_strategies import make_model

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.layers import Dropout
from keras_bert_zoo.training.model import ReplicatedModel

NUM_MASKED = 64


def number_of_masks(strategy):
    """Returns how many masks two rows have, a row to each replica."""
    with strategy.scope():
        keras.utils.set_random_seed(1)
        inputs = keras.Input((NUM_MASKED,))
        scaled = keras.layers.EinsumDense(
            "ab,b->ab", (NUM_MASKED,), kernel_initializer="ones"
        )(inputs)
        model = ReplicatedModel(inputs, Dropout(0.5)(scaled))
        model.compile(keras.optimizers.SGD(1.0), loss=_sum)
    rows = np.ones((2, NUM_MASKED), "float32")
    ready = tf.data.Dataset.from_tensors((rows, rows))
    model.fit(ready, verbose=0)
    # A weight falls by 1 for each row that kept its input.
    return len(np.unique(model.get_weights()[0]))


class _Sum(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return keras.ops.sum(y_pred, axis=-1)


_sum = _Sum(reduction="sum_over_batch_size")


def after_an_infinity(strategy):
    """Returns what an infinite gradient on the second replica leaves."""
    with strategy.scope():
        model = make_model(ReplicatedModel, "sgd", {}, scaled=True)
    inputs, labels, weights = next(iter(dataset()))
    row = labels["row"].numpy()
    row[-1] = 1e37  # Times the scale, it is infinite.
    ready = tf.data.Dataset.from_tensors(
        (inputs, {**labels, "row": row}, weights)
    )
    return _skipped(model, ready)


def after_a_half_overflows(strategy):
    """Returns the same for a float16 model whose second replica overflows."""
    with strategy.scope():
        keras.utils.set_random_seed(1)
        inputs = keras.Input((2,))
        outputs = keras.layers.Dense(1, dtype="mixed_float16")(inputs)
        model = ReplicatedModel(inputs, keras.ops.cast(outputs, "float32"))
        model.dtype_policy = keras.DTypePolicy("mixed_float16")
        model.compile(keras.optimizers.SGD(0.1), loss="mse")
    # Of the last row, the gradient is no half once it is scaled.
    rows = np.array([[1, 2], [2, 1], [1, 1], [300, 300]], "float32")
    ready = tf.data.Dataset.from_tensors((rows, rows[:, :1]))
    return _skipped(model, ready)


def _skipped(model, ready):
    """Returns whether a step left the weights alone, and the next scale."""
    before = model.get_weights()
    model.fit(ready, verbose=0)
    after = model.get_weights()
    return {
        "unchanged": all(map(np.array_equal, before, after)),
        "scale": float(model.optimizer.dynamic_scale.numpy()),
    }


def steps_without_length(strategy):
    """Returns how many steps two passes over five batches are."""
    with strategy.scope():
        model = make_model(ReplicatedModel, "sgd", {})
    endless = dataset().filter(lambda *batch: True)
    model.fit(endless, epochs=2, verbose=0)
    return int(model.optimizer.iterations.numpy())


def watched(strategy):
    """Returns tokens and gradient norms of a step, on one device and two."""
    mask = (np.arange(4) < np.array([[1], [4], [2], [3], [3]])).astype("int32")
    ready = tf.data.Dataset.from_tensors(
        ({"padding_mask": mask}, np.arange(5.0, dtype="float32")[:, None])
    )
    found = []
    for scope in (contextlib.nullcontext(), strategy.scope()):
        with scope:
            keras.utils.set_random_seed(1)
            inputs = keras.Input((4,), dtype="int32", name="padding_mask")
            outputs = keras.layers.Dense(1)(keras.ops.cast(inputs, "float32"))
            model = ReplicatedModel({"padding_mask": inputs}, outputs)
            model.compile(
                keras.optimizers.LossScaleOptimizer(
                    keras.optimizers.SGD(0.1, global_clipnorm=0.01)
                ),
                "mse",
            )
        watch = model.step_counters(gradient_norm=True)
        model.fit(ready, verbose=0)
        found.append(
            [
                float(variable.numpy())
                for variable in (
                    watch.num_tokens,
                    watch.num_padded_tokens,
                    watch.gradient_norm,
                )
            ]
        )
    return found


class _Rows(keras.utils.PyDataset):
    """Gives the same arrays in each epoch."""

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, place):
        return self.batches[place]


def changed_data(strategy):
    """Returns how far the arrays of a user change while they are used."""
    batches = [
        (np.ones((8, 4), "float32"), np.ones((8, 1), "float32"))
        for _ in range(5)
    ]
    with strategy.scope():
        inputs = keras.Input((4,))
        # The first operation could write its result into what it reads.
        outputs = keras.layers.Dense(1)(keras.ops.negative(inputs))
        model = ReplicatedModel(inputs, outputs)
        model.compile(keras.optimizers.SGD(0.1), "mse")
    found = {}
    for verb in (model.fit, model.evaluate, model.predict):
        verb(_Rows(batches), verbose=0)
        found[verb.__name__] = max(
            float(np.abs(array - 1).max()) for pair in batches for array in pair
        )
    return found


def refusals(strategy):
    """Yields what is said of what was made under another scope."""
    for outside in (True, False):
        with strategy.scope() if outside else tf.name_scope("none"):
            inputs = keras.Input((2,))
            model = ReplicatedModel(inputs, keras.layers.Dense(1)(inputs))
        with tf.name_scope("none") if outside else strategy.scope():
            try:
                model.compile("sgd", loss="mse")
            except InputError as error:
                yield str(error)
    optimizer = keras.optimizers.SGD()
    with strategy.scope():
        inputs = keras.Input((2,))
        model = ReplicatedModel(inputs, keras.layers.Dense(1)(inputs))
        accumulating = keras.optimizers.SGD(gradient_accumulation_steps=2)
        for one in (optimizer, accumulating):
            try:
                model.compile(one, loss="mse")
            except InputError as error:
                yield str(error)


def main():
    strategy = two_devices.strategy()
    found = {
        "masks": number_of_masks(strategy),
        "infinity": after_an_infinity(strategy),
        "overflow": after_a_half_overflows(strategy),
        "steps": steps_without_length(strategy),
        "watched": watched(strategy),
        "data": changed_data(strategy),
        "refusals": list(refusals(strategy)),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
