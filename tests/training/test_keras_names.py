"""The pinned Keras has every private name that training leans on."""

import re

import keras
import numpy as np
import pytest
from keras.src.trainers.epoch_iterator import EpochIterator

from keras_bert_zoo.training import keras_names
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
    "_get_variable_index",
    "_iterations",
    "_learning_rate",
    "_overwrite_model_variables_with_average_value",
    "_trainable_variables",
    "_update_model_variables_moving_average",
)
MODEL = (
    "_distribute_strategy",
    "_loss_tracker",
    "_maybe_symbolic_build",
    "_symbolic_build",
)


@pytest.fixture(scope="module")
def model():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    optimizer = keras.optimizers.SGD(gradient_accumulation_steps=2)
    model.compile(optimizer, loss="mse")
    optimizer.build(model.trainable_variables)
    return model


@pytest.mark.parametrize("name", MODEL)
def test_models_have(model, name):
    assert hasattr(model, name)


@pytest.mark.parametrize("name", OPTIMIZER)
def test_optimizers_have(model, name):
    assert hasattr(model.optimizer, name)


def test_epochs_have_an_adapter(model):
    iterator = EpochIterator(x=np.ones((2, 2)), batch_size=1)
    assert iterator.data_adapter.get_tf_dataset().element_spec


def test_no_other_names_are_used():
    used = set()
    for module in (keras_names, training_model):
        text = open(module.__file__, encoding="utf-8").read()
        used |= set(
            re.findall(
                r"(?:optimizer|model|inner|super\(\))\.(_[a-z]\w+)", text
            )
        )
    assert used <= {*OPTIMIZER, *MODEL}
