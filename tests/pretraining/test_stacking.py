"""A deeper encoder begins as copies of a shallower one's blocks."""

import numpy as np
import pytest

import keras_bert_zoo as zoo
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.pretraining.stacking import stacked

SIZES = {"num_heads": 2, "hidden_dim": 8, "intermediate_dim": 16}


def test_blocks_are_repeated_and_the_rest_is_copied():
    given = zoo.BertEncoder(20, 2, **SIZES)
    deeper = stacked(given, 5)
    assert deeper.num_layers == 5
    for layer in deeper.layers:
        name = layer.name
        if name.startswith("transformer_block_"):
            name = f"transformer_block_{int(name[-1]) % 2}"
        for mine, theirs in zip(
            layer.get_weights(),
            given.get_layer(name).get_weights(),
            strict=True,
        ):
            assert np.array_equal(mine, theirs)


@pytest.mark.parametrize(
    ("options", "num_layers", "message"),
    [({}, 2, "for an encoder of 2"), ({"share_layers": True}, 4, "sharing")],
)
def test_what_cannot_be_stacked_is_refused(options, num_layers, message):
    given = zoo.BertEncoder(20, 2, **SIZES, **options)
    with pytest.raises(InputError, match=message):
        stacked(given, num_layers)
