"""The private names that training takes from Keras and TensorFlow exist."""

import ast
import re

import keras
import numpy as np
import pytest
import source_tree
from keras.src.losses.losses import LossFunctionWrapper

from keras_bert_zoo.training import keras_private


@pytest.fixture(scope="module")
def model():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    optimizer = keras.optimizers.SGD(use_ema=True)
    model.compile(optimizer, loss="mse")
    optimizer.build(model.trainable_variables)
    return model


def missing(thing, names):
    return [name for name in names if not hasattr(thing, name)]


def test_models_know_where_a_backup_of_keras_resumes(model):
    assert keras_private.initial_epoch(model) is None


def test_optimizers_keep_averages(model):
    averages = keras_private.averages_of(model.optimizer)
    assert [one.shape for one in averages] == [(2, 1), (1,)]


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


def test_names_are_few():
    """As strings, as attributes, or as what is imported."""
    tree = source_tree.syntax_tree("keras_bert_zoo.training.keras_private")
    found = foreign_names(tree) | {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    found = {one for one in found if re.fullmatch("_[a-z_]+", one)} - PUBLIC
    found |= {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and node.module.startswith(("keras.src", "tensorflow.python"))
        for alias in node.names
    }
    assert found == {
        "CompileLoss",
        "get_data_adapter",
        "gradient_registry",
        "_batches_seen_since_last_saving",
        "_direction",
        "_ema_weights_in_model",
        "_initial_epoch",
        "_keras_mask",
        "_last_batch_seen",
        "_model_variables_moving_average",
        "_registry",
    }
