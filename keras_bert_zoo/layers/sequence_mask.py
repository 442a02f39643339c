"""Keeps the sequences that share a row from attending to each other."""

import keras
from keras import ops

from keras_bert_zoo.layers.attention_mask import MASKED_SCORE


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class SequenceMask(keras.layers.Layer):
    """Computes the additive mask of rows that hold several sequences.

    Input shape: `(P, W)` int, the number of each token's sequence, from 1; 0
    for padding. Output shape: `(P, 1, W, W)` float: 0 between tokens of one
    sequence, else -10000.

    Source: Krell et al., 2021 (arXiv:2107.02027), section 3.2.1.
    """

    def call(self, sequence_ids):
        same = ops.equal(sequence_ids[:, :, None], sequence_ids[:, None, :])
        other = 1.0 - ops.cast(same, self.compute_dtype)
        return ops.expand_dims(ops.multiply(other, MASKED_SCORE), 1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 1, input_shape[1], input_shape[1])

    def get_config(self):
        # Keras refuses to copy a layer that leaves this to it.
        return super().get_config()
