"""Ready features are checked before the first step."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo.errors import InputError


@pytest.fixture
def model(make_model):
    model = make_model()
    model.compile("sgd")
    return model


@pytest.fixture
def features(model):
    return {name: np.ones((5, 3), "int32") for name in model.input}


LABELS = np.zeros(5)


@pytest.mark.parametrize("batch_size", [0, -1, 2.5, "8"])
def test_a_batch_has_a_whole_number_of_rows(model, features, batch_size):
    for method in (model.fit, model.evaluate):
        with pytest.raises(InputError, match="`batch_size` must be a whole"):
            method(features, LABELS, batch_size, verbose=0)


def test_a_missing_input_is_named(model, features):
    del features["padding_mask"]
    with pytest.raises(InputError, match="inputs: .*padding_mask.*Received"):
        model.fit(features, LABELS, verbose=0)


def test_a_data_set_must_be_batched(model, features):
    rows = tf.data.Dataset.from_tensor_slices((features, LABELS))
    with pytest.raises(InputError, match="come in batches.*Batch the data"):
        model.fit(rows, verbose=0)


def test_rows_longer_than_the_encoder_reads_are_refused(model, features):
    longest = model.encoder.max_sequence_length
    long = {name: np.ones((5, longest + 1), "int32") for name in features}
    with pytest.raises(InputError, match=f"at most {longest} tokens"):
        model.evaluate(long, LABELS, verbose=0)


def test_more_steps_than_batches_are_refused(model, features):
    with pytest.raises(InputError, match="steps_per_epoch=4, for 3 batches"):
        model.fit(features, LABELS, 2, steps_per_epoch=4, verbose=0)
