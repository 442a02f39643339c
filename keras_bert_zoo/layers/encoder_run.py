"""An encoder as a layer of a head's model."""

import keras


class EncoderRun(keras.layers.Layer):
    """Runs an encoder; a frozen one as in inference, even in training.

    Args:
        encoder: functional model.
        is_frozen: bool. It may be set anew, before the model is compiled.

    Input and output shapes: the encoder's.
    """

    def __init__(self, encoder: keras.Model, is_frozen: bool, **kwargs):
        super().__init__(**kwargs)
        self.encoder = encoder
        self.is_frozen = is_frozen

    def call(self, inputs, training=None):
        return self.encoder(
            inputs, training=False if self.is_frozen else training
        )

    def compute_output_spec(self, inputs, training=None):
        return self.encoder.compute_output_spec(inputs)
