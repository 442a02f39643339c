"""The pinned Keras has every private name that training leans on."""

import ast
import pathlib
import re

import keras
import numpy as np
import programs
import pytest
import source_tree
import tensorflow as tf
from keras.src.losses.losses import LossFunctionWrapper
from keras.src.trainers.epoch_iterator import EpochIterator

from keras_bert_zoo.training import adamw
from keras_bert_zoo.training import keras_names
from keras_bert_zoo.training import keras_names_of_losses
from keras_bert_zoo.training import keras_names_of_updates
from keras_bert_zoo.training import lamb
from keras_bert_zoo.training import layerwise
from keras_bert_zoo.training import model as training_model

OPTIMIZER = (
    "_accumulated_gradients",
    "_all_reduce_sum_gradients",
    "_apply_weight_decay",
    "_backend_apply_gradients",
    "_backend_increment_gradient_accumulators",
    "_backend_reset_gradient_accumulators",
    "_backend_update_step",
    "_clip_gradients",
    "_distribution_strategy",
    "_get_variable_index",
    "_iterations",
    "_learning_rate",
    "_model_variables_moving_average",
    "_overwrite_model_variables_with_average_value",
    "_trainable_variables",
    "_update_model_variables_moving_average",
)
# What ours override, or read of the class that they extend.
EXTENDED = (
    "_apply_weight_decay",
    "_get_current_learning_rate",
    "_get_variable_index",
    "_learning_rate",
    "_momentums",
    "_trainable_variables",
    "_use_weight_decay",
    "_velocities",
)
MODEL = (
    "_compile_loss",
    "_distribute_strategy",
    "_flatten_layers",
    "_get_metrics_result_or_logs",
    "_loss_tracker",
    "_maybe_symbolic_build",
    "_symbolic_build",
    "_trainable",
)


@pytest.fixture(scope="module")
def model():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    optimizer = keras.optimizers.SGD(
        gradient_accumulation_steps=2, use_ema=True
    )
    model.compile(optimizer, loss="mse")
    optimizer.build(model.trainable_variables)
    return model


def missing(thing, names):
    return [name for name in names if not hasattr(thing, name)]


def test_models_have(model):
    assert not missing(model, MODEL)


def test_optimizers_have(model):
    assert not missing(model.optimizer, OPTIMIZER)


@pytest.mark.parametrize(
    "kind", [keras.optimizers.AdamW, keras.optimizers.Lamb]
)
def test_optimizers_that_ours_extend_have(kind):
    optimizer = kind()
    optimizer.build([keras.Variable(1.0)])
    assert not missing(optimizer, EXTENDED)


def test_schedule_free_optimizers_keep_averages():
    optimizer = keras.optimizers.ScheduleFreeAdamW()
    optimizer.build([keras.Variable(3.0)])
    assert [float(one) for one in optimizer._momentums] == [3.0]


def test_epochs_have_an_adapter(model):
    iterator = EpochIterator(x=np.ones((2, 2)), batch_size=1)
    assert iterator.data_adapter.get_tf_dataset().element_spec


def test_epochs_may_begin_in_the_middle():
    iterator = EpochIterator(x=np.ones((3, 2)), batch_size=1)
    keras_names.begin_at(iterator, 2)
    steps = [[begin for begin, *_ in iterator._enumerate_iterator()]]
    steps.append([begin for begin, *_ in iterator._enumerate_iterator()])
    assert steps == [[2], [0, 1, 2]]


def test_several_steps_at_once_are_counted_as_they_are():
    rows = np.ones((6, 2))
    iterator = EpochIterator(
        x=rows, batch_size=1, steps_per_epoch=3, steps_per_execution=2
    )
    told, seen = [], []
    keras_names.tell_steps(iterator, told.append)
    for _ in range(2):
        for _ in iterator._enumerate_iterator():
            seen.append(iterator._steps_seen)
    assert told == [2, 1, 2, 1]
    assert seen == [2, 3, 5, 6]


@pytest.mark.parametrize("kind", keras_names.CALLBACK_STATE)
def test_callbacks_have(model, kind, tmp_path):
    arguments = {
        keras.callbacks.ModelCheckpoint: ["x.keras"],
        keras.callbacks.TensorBoard: [tmp_path],
    }
    callback = kind(*arguments.get(kind, []))
    callback.set_model(model)
    callback.on_train_begin()
    if kind is keras.callbacks.History:
        callback.on_epoch_end(0, {})
    assert not missing(callback, keras_names.CALLBACK_STATE[kind])


def test_a_logger_has_a_file_and_its_columns(tmp_path):
    logger = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    logger.on_train_begin()
    logger.csv_file.close()
    assert logger.filename == str(tmp_path / "log.csv")
    assert logger.keys is None and logger.append_header


def test_losses_of_outputs_have_trackers():
    inputs = keras.Input((2,))
    outputs = [keras.layers.Dense(1)(inputs), keras.layers.Dense(1)(inputs)]
    model = keras.Model(inputs, outputs)
    model.compile("sgd", loss=["mse", "mse"], loss_weights=[1.0, 3.0])
    rows = np.ones((2, 2)), [np.ones((2, 1)), np.ones((2, 1))]
    model.evaluate(*rows, verbose=0)
    trackers = model._compile_loss.metrics
    assert [type(one) for one in trackers] == [keras.metrics.Mean] * 2
    assert keras_names_of_losses.output_loss_trackers(model) == trackers
    assert keras_names_of_losses.loss_weights_of(model) == [1.0, 3.0]
    losses = keras_names_of_losses.losses_of(model)
    assert [type(one) for one in losses] == [LossFunctionWrapper] * 2
    keras_names_of_losses.set_losses(model, losses[::-1])
    assert keras_names_of_losses.losses_of(model) == losses[::-1]


def test_layers_leave_masks():
    ids = np.array([[1, 0]])
    vectors = keras.layers.Embedding(2, 1, mask_zero=True)(ids)
    assert keras_names_of_losses.mask_of(vectors).numpy().tolist() == [
        [True, False]
    ]


def test_metrics_have_a_direction():
    direction_of = keras_names.direction_of
    assert direction_of(keras.metrics.BinaryAccuracy()) == "max"
    assert direction_of(keras.metrics.MeanSquaredError()) == "min"
    assert direction_of(keras.metrics.Mean()) is None


# Public, for all that: of named tuples, and of `os`.
PUBLIC = {"_asdict", "_exit", "_replace"}


def test_names_are_in_one_place():
    """Of other objects than a class's own, and of strings for `getattr`."""
    found = {
        name: foreign_names(source_tree.syntax_tree(name))
        for name in source_tree.modules()
        if not name.startswith("keras_bert_zoo.training.keras_names")
    }
    assert not {name: names for name, names in found.items() if names}


def foreign_names(tree):
    own = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in ("self", "cls")
    }
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and not ast.unparse(node.value).startswith("super()")
    }
    used |= {
        node.args[1].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("getattr", "hasattr", "setattr")
        and isinstance(node.args[1], ast.Constant)
    }
    return {one for one in used if re.match("_[a-z]", one)} - own - PUBLIC


def test_no_other_names_are_used():
    used = set()
    for module in (
        keras_names,
        keras_names_of_losses,
        keras_names_of_updates,
        training_model,
    ):
        text = open(module.__file__, encoding="utf-8").read()
        used |= set(
            re.findall(
                r"(?:optimizer|model|inner|super\(\))\.(_[a-z]\w+)", text
            )
        )
    assert used <= {*OPTIMIZER, *MODEL}


@pytest.mark.parametrize("module", [adamw, lamb, layerwise])
def test_optimizers_use_no_other_names(module):
    text = open(module.__file__, encoding="utf-8").read()
    used = set(re.findall(r"(?:self|super\(\))\.(_[a-z]\w+)", text))
    defined = set(re.findall(r"(?:def |self\.)(_[a-z]\w+)(?:\(self| = )", text))
    assert used - defined <= {*EXTENDED}


def test_the_rate_is_that_of_the_latest_update():
    """After five batches, with one and with three of them an update."""
    program = pathlib.Path(__file__).with_name("rates_under_strategy.py")
    on_one_device_and_two = programs.run(program)
    assert on_one_device_and_two == 2 * [
        [[0, 1.0], [num_updates, pytest.approx(1 / num_updates)]]
        for num_updates in (5, 1)
    ]


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("number", [float, np.float32, tf.constant])
def test_a_rate_may_be_a_function(number, scaled):
    rate = number(0.25)
    optimizer = keras.optimizers.SGD(lambda: rate)
    if scaled:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    assert keras_names.learning_rate(optimizer) == 0.25
