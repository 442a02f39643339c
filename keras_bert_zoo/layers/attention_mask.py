"""Turns a padding mask into the number added to attention scores."""

import keras
from keras import ops

# Large enough that exp() of it is 0 in every float type, small enough for
# float16. The published BERT uses the same figure.
MASKED_SCORE = -10000.0


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class AttentionMask(keras.layers.Layer):
    """Computes the additive attention mask, once for all blocks.

    Input shape: `(B, S)` int, 1 for a real token. Output shape:
    `(B, 1, 1, S)` float: 0 for a real token, -10000 for padding.

    Source: Devlin et al., 2019 (arXiv:1810.04805), published code.
    """

    def call(self, padding_mask):
        padding = 1.0 - ops.cast(padding_mask, self.compute_dtype)
        scores = ops.multiply(padding, MASKED_SCORE)
        return ops.expand_dims(ops.expand_dims(scores, 1), 1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 1, 1, input_shape[1])

    def get_config(self):
        # Keras refuses to copy a layer that leaves this to it.
        return super().get_config()
