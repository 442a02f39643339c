"""Which layers of an encoder stand above which."""

import re

import keras


def layers_from_below(encoder: keras.Model) -> list[list[keras.layers.Layer]]:
    """Returns the embeddings of an encoder, then each of its blocks.

    Blocks are the layers whose names end in a number, such as
    `transformer_block_0`, ours and keras-hub's alike. All layers before the
    first of them are the embeddings. Those after it, such as a pooler, are
    left out: they stand with the head.

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
