"""Which layer learns by how much, and from when on."""

import keras
import keras_hub
import pytest

from keras_bert_zoo import testing
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.training.optimizers.layer_rates import layer_rates

OURS = ["embeddings", "transformer_block_0", "transformer_block_1"]


def test_rates_fall_from_the_head_to_the_embeddings():
    rates = layer_rates(testing.tiny_encoder(9, num_layers=2), decay=0.5)
    assert rates == [(OURS[0], 0.125, 0), (OURS[1], 0.25, 0), (OURS[2], 0.5, 0)]


def test_layers_begin_to_learn_from_the_top():
    encoder = testing.tiny_encoder(9, num_layers=2)
    starts = {r.layer: r.start for r in layer_rates(encoder, 1.0, 10)}
    assert starts == dict(zip(OURS, (30, 20, 10)))


def test_blocks_that_are_one_have_one_rate():
    encoder = testing.tiny_encoder(9, num_layers=3, share_layers=True)
    rates = layer_rates(encoder, 0.5)
    assert [rate[:2] for rate in rates] == [(OURS[0], 0.25), (OURS[1], 0.5)]


def test_encoders_of_keras_hub_have_rates():
    encoder = keras_hub.models.BertBackbone(9, 2, 2, 8, 16)
    rates = layer_rates(encoder, 0.5)
    assert {rate.layer: rate.share for rate in rates} == {
        "token_embedding": 0.125,
        "position_embedding": 0.125,
        "segment_embedding": 0.125,
        "embeddings_layer_norm": 0.125,
        "transformer_layer_0": 0.25,
        "transformer_layer_1": 0.5,
    }


def test_an_encoder_without_blocks_is_one_layer():
    inputs = keras.Input((3,))
    hidden = keras.layers.Dense(2, name="lower")(inputs)
    encoder = keras.Model(inputs, keras.layers.Dense(2, name="upper")(hidden))
    assert [r.share for r in layer_rates(encoder, 0.5)] == [0.5, 0.5]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"decay": 0.0}, "layer_decay=0.0"),
        ({"decay": 1.5}, "layer_decay=1.5"),
        ({"unfreeze_every": -1}, "unfreeze_every=-1"),
    ],
)
def test_impossible_rates_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        layer_rates(testing.tiny_encoder(9), **options)
