import keras
import numpy as np
import pytest

from keras_bert_zoo.training import whole_batch

SCORES = np.float32([0.0, 10.0])
ZEROS = np.zeros(2, "float32")


@pytest.mark.parametrize("shape", [(2,), (2, 1)])
def test_examples_of_one_number_weigh_what_they_weigh(shape):
    loss = whole_batch.WholeBatchLoss(keras.losses.MeanSquaredError())
    predictions = ZEROS.reshape(shape)
    assert float(loss(SCORES, predictions)) == 50.0
    assert float(loss(SCORES, predictions, np.float32([1.0, 0.0]))) == 0.0
    assert float(loss(SCORES, predictions, np.float32([0.0, 0.5]))) == 25.0


def test_the_size_of_numbers_is_how_many_there_are():
    loss = whole_batch.WholeBatchLoss(keras.losses.MeanSquaredError())
    assert loss.size(SCORES, None, rank=1) == 2.0
    assert loss.size(SCORES, None, rank=2) == 2.0


def test_a_part_of_numbers_is_divided_by_all():
    loss = whole_batch.WholeBatchLoss(keras.losses.MeanSquaredError())
    with loss.of_part(size=4.0, share=1.0):
        assert float(loss(SCORES, ZEROS)) == 25.0
