"""Logits of the vocabulary's tokens at some positions of each sequence."""

import keras
import tensorflow as tf

from keras_bert_zoo.layers import MaskedLMHead


class TokenLogits(keras.layers.Layer):
    """Scores every token, at the given positions alone.

    Args:
        encoder: the encoder, whose `token_embedding` it shares.
        head: `MaskedLMHead`.

    Call arguments:
        sequence: float `(R, S, H)`.
        positions: int32 `(R, P)`, each from 0 to below `S`.

    Output shape: `(R, P, V)` float32 logits.
    """

    def __init__(self, encoder: keras.Model, head: MaskedLMHead, **kwargs):
        super().__init__(**kwargs)
        table = encoder.token_embedding
        # The layer that has the table, so that this one's variables are known
        # to be the encoder's.
        (self.embeddings,) = (
            layer
            for layer in encoder.layers
            if any(variable is table for variable in layer.weights)
        )
        # In a closure: an attribute would make it a variable of this layer.
        self._table = lambda: table
        self.head = head

    def build(self, sequence_shape, positions_shape):
        self.head.build(sequence_shape)

    def call(self, sequence, positions):
        hidden = tf.gather(sequence, positions, batch_dims=1)  # (R, P, H)
        return self.head(hidden, self._table())

    def compute_output_spec(self, sequence, positions):
        shape = (*positions.shape, self.head.vocabulary_size)
        return keras.KerasTensor(shape, dtype="float32")
