"""Trains on one device and on two, and prints how far the results differ.

A program, because a failed trace under a strategy spoils its process. It
takes a JSON list of cases and prints one JSON object for each.
"""

import contextlib
import json
import os
import sys

import keras
import numpy as np
import tensorflow as tf
import two_devices

from keras_bert_zoo.training.model import ReplicatedModel
from keras_bert_zoo.training.optimizers.layerwise import AdamW
from keras_bert_zoo.training.optimizers.layerwise import Lamb

OPTIMIZERS = {
    "sgd": lambda **options: keras.optimizers.SGD(0.1, 0.9, **options),
    "adamw": lambda **options: AdamW(0.01, 0.01, **options),
    "keras lamb": lambda **options: keras.optimizers.Lamb(0.01, **options),
    "lamb": lambda **options: Lamb(0.01, 0.1, **options),
    "several": lambda **options: keras.optimizers.MultiOptimizer(
        keras.optimizers.OptimizerMap(
            keras.optimizers.SGD(0.1, **options),
            {"hidden/.*": keras.optimizers.SGD(0.2, **options)},
        )
    ),
}
# The last batch has 5: the replicas have 3 and 2 of them, or 4 each of 8.
NUM_ROWS, BATCH_SIZE = 37, 8
PARTS = "words_loss", "row_loss"


class DenseEmbedding(keras.layers.Embedding):
    """An embedding whose gradient has each row once.

    Keras clips and scales the rows of its own embedding's gradient before
    those of one token are added up, which is not the gradient's norm.
    """

    def call(self, inputs):
        rows = keras.ops.one_hot(inputs, self.input_dim)
        return keras.ops.matmul(rows, self.embeddings)


def make_model(base, optimizer, options, scaled=False, **compiling):
    keras.utils.set_random_seed(3)
    ids = keras.Input((None,), dtype="int32", name="ids")
    is_ours = base is ReplicatedModel
    embedding = keras.layers.Embedding if is_ours else DenseEmbedding
    vectors = embedding(11, 8, name="embedding")(ids)
    vectors = keras.layers.Dense(8, activation="tanh", name="hidden")(vectors)
    outputs = {
        "words": keras.layers.Dense(3, name="words")(vectors),
        "row": keras.layers.Dense(1, name="row")(vectors[:, 0]),
    }
    model = base({"ids": ids}, outputs)
    chosen = OPTIMIZERS[optimizer](**options)
    if scaled:
        chosen = keras.optimizers.LossScaleOptimizer(
            chosen, initial_scale=2.0**16, dynamic_growth_steps=3
        )
    words = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, reduction="mean_with_sample_weight"
    )
    model.compile(
        chosen,
        loss={"words": words, "row": "mse"},
        weighted_metrics={"words": ["accuracy"], "row": ["mae"]},
        **compiling,
    )
    return model


def dataset():
    random = np.random.default_rng(0)
    shape = (NUM_ROWS, 6)
    inputs = {"ids": random.integers(0, 11, shape).astype("int32")}
    labels = {
        "words": random.integers(0, 3, shape).astype("int32"),
        "row": random.normal(size=(NUM_ROWS, 1)).astype("float32"),
    }
    # The first half of each batch has many words, the second has few.
    many = np.arange(NUM_ROWS) % BATCH_SIZE < BATCH_SIZE // 2
    shares = np.where(many, 0.9, 0.1)[:, None]
    weights = {
        "words": (random.random(shape) < shares).astype("float32"),
        "row": random.random(NUM_ROWS).astype("float32"),
    }
    rows = tf.data.Dataset.from_tensor_slices((inputs, labels, weights))
    return rows.batch(BATCH_SIZE)


def trained(scope, base, case):
    by_batch = case.get("by_batch", False)
    case = {name: case[name] for name in case if name != "by_batch"}
    with scope:
        model = make_model(base, **case)
    if by_batch:
        return fitted_by_batch(model, dataset()), model
    return two_devices.fitted(model, dataset()), model


def fitted_by_batch(model, data):
    """Returns what `two_devices.fitted` does, and answers with the weights."""
    logs = [
        model.train_on_batch(x, y, weights, return_dict=True)
        for _ in range(2)
        for x, y, weights in data.as_numpy_iterator()
    ]
    history = {name: [one[name] for one in logs] for name in logs[0]}
    *_, (x, y, weights) = data.as_numpy_iterator()
    scores = model.test_on_batch(x, y, weights, return_dict=True)
    answers = model.predict_on_batch(x)
    answers = [answers[name] for name in sorted(answers)]
    return history, scores, [*model.get_weights(), *answers]


def without_output_losses(found):
    """Returns a result without what Keras weighs otherwise.

    In its mean loss of an output, a last batch counts as much as any other.
    """
    logs = [
        {name: value for name, value in one.items() if name not in PARTS}
        for one in found[:2]
    ]
    return (*logs, found[2])


def main():
    strategy = two_devices.strategy()
    for case in json.loads(sys.argv[1]):
        nothing = contextlib.nullcontext()
        one, _ = trained(nothing, ReplicatedModel, case)
        two, model = trained(strategy.scope(), ReplicatedModel, case)
        more = {}
        if "TF_CONFIG" not in os.environ:
            # Once is enough: workers' own devices compute no other numbers.
            plain, _ = trained(nothing, keras.Model, case)
            more["keras"] = two_devices.difference(
                without_output_losses(one), without_output_losses(plain)
            )
        print(
            json.dumps(
                {
                    **more,
                    "parts": one[1]["loss"] - sum(one[1][i] for i in PARTS),
                    "replicas": two_devices.difference(one, two),
                    "spread": two_devices.spread(model),
                    "changed": abs(one[0]["loss"][0] - one[0]["loss"][-1]),
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
