"""`fit` does what `keras.Model.fit` does with the same model and data."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.training.loop import Batches
from keras_bert_zoo.training.model import ReplicatedModel

RANDOM = np.random.default_rng(0)
ROWS = RANDOM.normal(size=(22, 3)).astype("float32")
CLASSES = RANDOM.integers(0, 2, 22)
WEIGHTS = RANDOM.random(22).astype("float32")
HELD_OUT = (ROWS[:6], CLASSES[:6])


class Rows(keras.utils.PyDataset):
    """Batches of rows, which it counts the epochs of."""

    def __init__(self):
        super().__init__()
        self.epochs = 0

    def __len__(self):
        return 3

    def __getitem__(self, index):
        place = slice(7 * index, 7 * index + 7)
        return ROWS[place], CLASSES[place]

    def on_epoch_end(self):
        self.epochs += 1


def dataset():
    return tf.data.Dataset.from_tensor_slices((ROWS, CLASSES)).batch(5)


def shuffled():
    rows = tf.data.Dataset.from_tensor_slices((ROWS, CLASSES))
    return rows.shuffle(22, seed=3).batch(4)


def generator():
    while True:
        yield ROWS[:5], CLASSES[:5]
        yield ROWS[5:12], CLASSES[5:12]


class StopsAt(keras.callbacks.Callback):
    """Ends training within an epoch."""

    def on_train_batch_end(self, batch, logs=None):
        self.model.stop_training = (
            self.model.stop_training or int(self.model.optimizer.iterations) > 6
        )


# Name -> arguments of `fit`, made anew for each of the two.
CASES = {
    "arrays": lambda path: {"x": ROWS, "y": CLASSES, "batch_size": 4},
    "default batch size": lambda path: {"x": ROWS, "y": CLASSES},
    "in order": lambda path: {"x": ROWS, "y": CLASSES, "shuffle": False},
    "tensors": lambda path: {"x": tf.constant(ROWS), "y": tf.constant(CLASSES)},
    "sample weights": lambda path: {
        "x": ROWS,
        "y": CLASSES,
        "sample_weight": WEIGHTS,
        "batch_size": 5,
    },
    "class weights": lambda path: {
        "x": ROWS,
        "y": CLASSES,
        "class_weight": {0: 0.5, 1: 3.0},
        "batch_size": 5,
    },
    "validation split": lambda path: {
        "x": ROWS,
        "y": CLASSES,
        "validation_split": 0.3,
        "batch_size": 4,
    },
    "validation data": lambda path: {
        "x": ROWS,
        "y": CLASSES,
        "validation_data": (*HELD_OUT, WEIGHTS[:6]),
        "validation_batch_size": 2,
    },
    "some epochs validated": lambda path: {
        "x": ROWS,
        "y": CLASSES,
        "validation_data": HELD_OUT,
        "validation_freq": 2,
    },
    "these epochs validated": lambda path: {
        "x": ROWS,
        "y": CLASSES,
        "validation_data": HELD_OUT,
        "validation_freq": [1, 3],
    },
    "validation steps": lambda path: {
        "x": dataset(),
        "validation_data": shuffled(),
        "validation_steps": 2,
    },
    "data set": lambda path: {"x": dataset()},
    "shuffled data set": lambda path: {"x": shuffled()},
    "part of the data an epoch": lambda path: {
        "x": dataset().repeat(),
        "steps_per_epoch": 3,
    },
    "data that end early": lambda path: {"x": dataset(), "steps_per_epoch": 4},
    "generator": lambda path: {"x": generator(), "steps_per_epoch": 3},
    "PyDataset": lambda path: {"x": Rows(), "validation_data": Rows()},
    "later epochs": lambda path: {"x": ROWS, "y": CLASSES, "initial_epoch": 1},
    "stopped within an epoch": lambda path: {
        "x": ROWS,
        "y": CLASSES,
        "batch_size": 4,
        "callbacks": [StopsAt()],
        "validation_data": HELD_OUT,
    },
    "EarlyStopping": lambda path: {
        "x": ROWS,
        "y": CLASSES,
        "validation_data": HELD_OUT,
        "callbacks": [
            keras.callbacks.EarlyStopping(
                "loss", baseline=0.0, patience=1, restore_best_weights=True
            )
        ],
    },
    "ModelCheckpoint": lambda path: {
        "x": ROWS,
        "y": CLASSES,
        "batch_size": 4,
        "callbacks": keras.callbacks.ModelCheckpoint(
            path / "{epoch}.weights.h5", save_weights_only=True, save_freq=4
        ),
    },
    "ReduceLROnPlateau": lambda path: {
        "x": ROWS,
        "y": CLASSES,
        "callbacks": [
            keras.callbacks.ReduceLROnPlateau("loss", min_delta=9, patience=1)
        ],
    },
    "TensorBoard": lambda path: {
        "x": ROWS,
        "y": CLASSES,
        "validation_data": HELD_OUT,
        "callbacks": [keras.callbacks.TensorBoard(path, update_freq=2)],
    },
    "CSVLogger": lambda path: {
        "x": ROWS,
        "y": CLASSES,
        "callbacks": [keras.callbacks.CSVLogger(path / "log.csv")],
    },
    "SwapEMAWeights": lambda path: {
        "x": ROWS,
        "y": CLASSES,
        "validation_data": HELD_OUT,
        "callbacks": [keras.callbacks.SwapEMAWeights()],
    },
    "BackupAndRestore": lambda path: {
        "x": ROWS,
        "y": CLASSES,
        "callbacks": [keras.callbacks.BackupAndRestore(path / "backup")],
    },
}


class Recorder(keras.callbacks.Callback):
    """Notes each call of a callback, and what it is given."""

    def __init__(self):
        super().__init__()
        self.calls = []
        for name in dir(keras.callbacks.Callback):
            if name.startswith("on_") and "predict" not in name:
                setattr(self, name, self._noting(name))

    def _noting(self, name):
        def note(*arguments, logs=None):
            given = [
                sorted(one) if isinstance(one, dict) else one
                for one in (*arguments, logs)
                if one is not None
            ]
            self.calls.append((name, *given))

        return note


def fitted(base, make_arguments, path, **compiling):
    """Returns history, weights, calls of callbacks, and files."""
    path.mkdir()
    keras.utils.set_random_seed(1)
    inputs = keras.Input((3,))
    hidden = keras.layers.Dense(4, activity_regularizer="l2")(inputs)
    hidden = keras.layers.Dropout(0.2, seed=5)(hidden)
    model = base(inputs, keras.layers.Dense(2)(hidden))
    model.compile(
        keras.optimizers.Adam(0.05, use_ema=True),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        weighted_metrics=["accuracy"],
        **compiling,
    )
    arguments = make_arguments(path)
    recorder = Recorder()
    callbacks = keras.tree.flatten(arguments.pop("callbacks", []))
    history = model.fit(
        **arguments, epochs=3, verbose=0, callbacks=[*callbacks, recorder]
    )
    files = sorted(
        one.suffix for one in path.rglob("*") if not one.name.startswith(".")
    )
    epochs = getattr(arguments["x"], "epochs", None)
    rate = float(model.optimizer.learning_rate)
    return (
        {"epoch": history.epoch, **history.history},
        model.get_weights(),
        recorder.calls,
        [files, epochs, rate],
    )


def check_same(ours, theirs):
    assert ours[0].keys() == theirs[0].keys()
    for name, values in theirs[0].items():
        np.testing.assert_allclose(
            np.float64(ours[0][name]), np.float64(values), rtol=2e-5, atol=1e-7
        )
    for own, other in zip(ours[1], theirs[1], strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-4, atol=1e-6)
    assert ours[2] == theirs[2]
    assert ours[3] == theirs[3]


# A form of data, a callback, and what the loop itself has to do.
FAST = ("validation data", "stopped within an epoch", "EarlyStopping")


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
@pytest.mark.filterwarnings("ignore:The data ended before")
@pytest.mark.filterwarnings("ignore:`shuffle=True` was passed")
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in FAST else pytest.mark.slow)
        for name in CASES
    ],
)
def test_fit_is_that_of_keras(name, tmp_path):
    results = [
        fitted(base, CASES[name], tmp_path / base.__name__)
        for base in (ReplicatedModel, keras.Model)
    ]
    check_same(*results)


@pytest.mark.slow
def test_data_may_have_an_unknown_length(tmp_path):
    """Keras, which finds their end by a step that fails, draws for it."""
    known, unknown = (
        fitted(ReplicatedModel, lambda path, x=x: {"x": x}, tmp_path / name)
        for name, x in {
            "known": dataset(),
            "unknown": dataset().filter(lambda x, y: True),
        }.items()
    )
    assert known[0] == unknown[0]
    for one, other in zip(known[1], unknown[1], strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
@pytest.mark.parametrize(
    "compiling",
    [
        pytest.param({"run_eagerly": True}, id="eager"),
        pytest.param({"steps_per_execution": 2}, id="several steps at once"),
        pytest.param({"jit_compile": True}, id="XLA"),
    ],
)
def test_steps_are_those_of_keras_however_they_run(compiling, tmp_path):
    results = [
        fitted(
            base,
            lambda path: {"x": ROWS, "y": CLASSES, "batch_size": 6},
            tmp_path / base.__name__,
            **compiling,
        )
        for base in (ReplicatedModel, keras.Model)
    ]
    check_same(*results)


def test_epochs_may_begin_in_the_middle():
    model = ReplicatedModel(inputs := keras.Input((3,)), inputs)
    model.compile("sgd", "mse")
    batches = Batches(model, ROWS, ROWS, batch_size=5)
    assert [step for step, *_ in batches.epoch(3)] == [3, 4]
    assert [step for step, *_ in batches.epoch()] == [0, 1, 2, 3, 4]


def test_executions_end_with_the_epoch():
    model = ReplicatedModel(inputs := keras.Input((3,)), inputs)
    model.compile("sgd", "mse", steps_per_execution=2)
    batches = Batches(model, dataset().repeat(), steps_per_epoch=3)
    for _ in range(2):
        steps = [(step, number) for step, number, _ in batches.epoch()]
        assert steps == [(0, 2), (2, 1)]


@pytest.mark.parametrize(
    "arguments",
    [
        {"x": dataset(), "validation_split": 0.5},
        {"x": ROWS[:1], "y": CLASSES[:1], "validation_split": 0.5},
    ],
    ids=["data set", "one example"],
)
def test_what_cannot_be_split_is_refused(arguments):
    model = ReplicatedModel(inputs := keras.Input((3,)), inputs)
    model.compile("sgd", "mse")
    with pytest.raises(InputError, match="split"):
        model.fit(**arguments)


def test_models_are_compiled_first():
    model = ReplicatedModel(inputs := keras.Input((3,)), inputs)
    with pytest.raises(InputError, match="compile"):
        model.fit(ROWS, ROWS)
