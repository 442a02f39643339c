"""The learning rate of each layer, as a fraction of the head's."""

import re
from typing import NamedTuple

import keras

from keras_bert_zoo import arguments
from keras_bert_zoo.training.optimizers.options import LayerOptions


class LayerRate(NamedTuple):
    """What a layer learns by.

    Attributes:
        layer: str. Its name, a part of the paths of its variables.
        share: float. Of the learning rate.
        start: int. Updates in which nothing of the layer changes.
    """

    layer: str
    share: float
    start: int


def layer_rates(
    encoder: keras.Model, decay: float = 1.0, unfreeze_every: int = 0
) -> list[LayerRate]:
    """Returns rates that fall from the head down to the embeddings.

    Other layers, the head and a pooler, train at the full rate from the start.

    Args:
        encoder: `BertEncoder`, or any whose blocks are layers with numbered
            names.
        decay: float in (0, 1]. The highest block has this share of the head's
            rate, each layer below it this share of the one above.
        unfreeze_every: int. Updates after which the next layer from the top
            begins to learn; at 0 all do at once.

    Raises:
        InputError: if a number is out of range.

    Source: Howard and Ruder, 2018 (arXiv:1801.06146), section 3.2, for rates
    that differ, and section 3.3, for layers that learn one after another.
    """
    decay = LayerOptions(layer_decay=decay).layer_decay
    arguments.whole_number("unfreeze_every", unfreeze_every, lowest=0)
    groups = layers_from_below(encoder)
    return [
        LayerRate(layer.name, decay**distance, distance * unfreeze_every)
        for distance, group in zip(range(len(groups), 0, -1), groups)
        for layer in group
    ]


def layers_from_below(encoder: keras.Model) -> list[list[keras.layers.Layer]]:
    """Returns the embeddings of an encoder, then each of its blocks.

    Blocks are the layers whose names end in a number, such as
    `transformer_block_0`, ours and keras-hub's alike. All layers before the
    first of them are the embeddings. Those after it, such as a pooler, are
    excluded: they learn at the head's rate.

    Args:
        encoder: its `layers` stand in the order of its computation.

    Returns:
        A list of layers for the embeddings and for each block, the lowest
        first.
    """
    groups: list = [[]]
    for layer in encoder.layers:
        if not layer.weights:
            continue
        if re.search(r"_\d+$", layer.name):
            groups.append([layer])
        elif len(groups) == 1:
            groups[0].append(layer)
    return groups
