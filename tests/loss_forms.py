"""Losses in the forms that Keras takes them, and what they are fitted to."""

import keras
import numpy as np
from keras import ops

NUM_ROWS, BATCH_SIZE = 21, 4
RANDOM = np.random.default_rng(0)
ROWS = RANDOM.normal(size=(NUM_ROWS, 6)).astype("float32")
CLASSES = RANDOM.integers(0, 3, NUM_ROWS)
SCORES = RANDOM.normal(size=(NUM_ROWS, 1)).astype("float32")
TAGS = RANDOM.integers(-1, 3, (NUM_ROWS, 6))
WEIGHTS = RANDOM.random(NUM_ROWS).astype("float32")
TAG_WEIGHTS = (RANDOM.random((NUM_ROWS, 6)) < 0.5).astype("float32")
BOTH = {"a": CLASSES, "b": SCORES}


def cross_entropy(**options):
    return keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, **options
    )


def mean_of_all(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred))


class MeanOfAll(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return mean_of_all(y_true, y_pred)


MEAN_OF_WORDS = {"ignore_class": -1, "reduction": "mean_with_sample_weight"}
# Output, loss, labels, weights.
FORMS = {
    "name": ("chances", "sparse_categorical_crossentropy", CLASSES, WEIGHTS),
    "short name": ("a", "ce", CLASSES, None),
    "numbers": ("flat", "mse", SCORES[:, 0], None),
    "function of one number": ("b", mean_of_all, SCORES, None),
    "class of one number": ("b", MeanOfAll(), SCORES, None),
    "class left out": ("words", cross_entropy(ignore_class=-1), TAGS, None),
    "class left out, weights": (
        "words",
        cross_entropy(**MEAN_OF_WORDS),
        TAGS,
        TAG_WEIGHTS,
    ),
    "list for one": ("a", [cross_entropy()], CLASSES, WEIGHTS),
    "dict for one": ("a", {"a": cross_entropy()}, CLASSES, None),
    "dict of one": ("one in a dict", cross_entropy(), CLASSES, None),
    "lists": ("list", [cross_entropy(), "mse"], [CLASSES, SCORES], WEIGHTS),
    "dict for a list": ("list", {"a": cross_entropy(), "b": "mse"}, BOTH, None),
    "list for a dict": ("dict", [cross_entropy(), "mse"], BOTH, None),
    "dicts": ("dict", {"a": cross_entropy(), "b": "mse"}, BOTH, WEIGHTS),
    "labels of some": ("list", [cross_entropy(), None], [CLASSES], None),
    "tuples": ("tuple", (cross_entropy(), "mse"), (CLASSES, SCORES), None),
}
# Of which Keras has the mean over batches, whatever their rows.
PARTS = "a_loss", "b_loss"


def make_model(base, output, loss, **options):
    keras.utils.set_random_seed(1)
    inputs = keras.Input((6,))
    hidden = keras.layers.Dense(5, activation="tanh")(inputs)
    a = keras.layers.Dense(3, name="a")(hidden)
    b = keras.layers.Dense(1, name="b")(hidden)
    outputs = {
        "a": a,
        "b": b,
        "chances": keras.layers.Softmax()(a),
        "flat": keras.layers.Reshape(())(b),
        "words": keras.layers.Dense(3)(keras.layers.Reshape((6, 1))(inputs)),
        "one in a dict": {"a": a},
        "list": [a, b],
        "tuple": (a, b),
        "dict": {"a": a, "b": b},
    }
    model = base(inputs, outputs[output])
    model.compile(keras.optimizers.SGD(0.1), loss, **options)
    return model


def fitted(base, name, **options):
    """Returns history, scores and weights after two epochs of arrays."""
    output, loss, labels, weights = FORMS[name]
    model = make_model(base, output, loss, **options)
    data = {"sample_weight": weights, "batch_size": BATCH_SIZE, "verbose": 0}
    history = model.fit(ROWS, labels, epochs=2, shuffle=False, **data).history
    scores = model.evaluate(ROWS, labels, return_dict=True, **data)
    return history, scores, model.get_weights()
