"""The encoder as a part of a head's model."""

from collections.abc import Mapping
from typing import Any

import keras


def encode(
    encoder: keras.Model, inputs: Mapping[str, Any], output: str
) -> keras.KerasTensor:
    """Calls an encoder as part of a head's model.

    Layers that the output does not need, such as the pooler of a head that
    reads `sequence_output`, are neither run nor trained. A frozen encoder
    (`encoder.trainable = False`) runs without dropout, so that its output is
    a fixed feature of the text.

    Args:
        encoder: a functional model.
        inputs: the encoder's inputs, by name.
        output: name of one of the encoder's outputs.
    """
    part = keras.Model(encoder.input, encoder.output[output], name="encoder")
    if not encoder.trainable:
        return _Frozen(part, name="frozen_encoder")(inputs)
    used = {id(layer) for layer in part.layers}
    for layer in encoder.layers:
        if id(layer) not in used:
            layer.trainable = False
    return part(inputs)


class _Frozen(keras.layers.Layer):
    """Runs an encoder as in inference, even while the head is trained."""

    def __init__(self, encoder: keras.Model, **kwargs):
        super().__init__(**kwargs)
        self.encoder = encoder

    def call(self, inputs):
        return self.encoder(inputs, training=False)

    def compute_output_spec(self, inputs):
        return self.encoder.compute_output_spec(inputs)
