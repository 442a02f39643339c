"""Keras has every private name that training takes from it."""

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

from keras_bert_zoo.training import keras_private
from keras_bert_zoo.training import model as training_model
from keras_bert_zoo.training.optimizers import layerwise

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
    "_distribute_strategy",
    "_flatten_layers",
    "_flatten_metrics_in_order",
    "_initial_epoch",
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


def test_data_have_an_adapter():
    adapter = keras_private.data_adapter(np.ones((3, 2)), batch_size=2)
    assert adapter.get_tf_dataset().element_spec.shape[1] == 2
    assert adapter.num_batches == 2
    adapter.on_epoch_begin()
    adapter.on_epoch_end()


@pytest.mark.parametrize("kind", keras_private.CALLBACK_STATE)
def test_callbacks_have(model, kind):
    arguments = {
        keras.callbacks.ModelCheckpoint: ["x.keras"],
    }
    callback = kind(*arguments.get(kind, []))
    callback.set_model(model)
    callback.on_train_begin()
    if kind is keras.callbacks.History:
        callback.on_epoch_end(0, {})
    assert not missing(callback, keras_private.CALLBACK_STATE[kind])


def test_losses_are_matched_to_outputs():
    inputs = keras.Input((2,))
    outputs = [keras.layers.Dense(1)(inputs), keras.layers.Dense(1)(inputs)]
    router = keras_private.LabelRouter(
        ["mse", "mae"], [1.0, 3.0], output_names=["a", "b"]
    )
    labels = [np.zeros((4, 1)), np.ones((4, 1))]
    weights = np.ones(4)
    routed = router.route(labels, outputs, weights)
    assert [type(one.loss) for one in router.losses] == [
        LossFunctionWrapper
    ] * 2
    assert [one.loss_weights for one in router.losses] == [1.0, 3.0]
    assert [one.name for one in router.losses] == ["a", "b"]
    for found, label, output in zip(routed, labels, outputs, strict=True):
        assert found[0] is label and found[1] is output
        assert found[2] is weights


def test_layers_leave_masks():
    ids = np.array([[1, 0]])
    vectors = keras.layers.Embedding(2, 1, mask_zero=True)(ids)
    assert keras_private.mask_of(vectors).numpy().tolist() == [[True, False]]


def test_metrics_have_a_direction():
    direction_of = keras_private.direction_of
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
        if not name.startswith("keras_bert_zoo.training.keras_private")
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
        keras_private,
        training_model,
    ):
        text = open(module.__file__, encoding="utf-8").read()
        used |= set(
            re.findall(
                r"(?:optimizer|model|inner|super\(\))\.(_[a-z]\w+)", text
            )
        )
    assert used <= {*OPTIMIZER, *MODEL}


def test_optimizers_use_no_other_names():
    text = open(layerwise.__file__, encoding="utf-8").read()
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
    assert keras_private.learning_rate(optimizer) == 0.25
