"""Logits of the vocabulary's tokens at some positions of each sequence."""

import keras
import tensorflow as tf

from keras_bert_zoo.layers import MaskedLMHead


class TokenLogits(keras.layers.Layer):
    """Scores every token, at the given positions alone.

    Args:
        embeddings: the encoder's `Embeddings`, whose token table it shares.
        head: `MaskedLMHead`.

    Call arguments:
        sequence: float `(R, S, H)`.
        positions: int32 `(R, P)`, each from 0 to below `S`.

    Output shape: `(R, P, V)` float32 logits.
    """

    def __init__(
        self, embeddings: keras.layers.Layer, head: MaskedLMHead, **kwargs
    ):
        super().__init__(**kwargs)
        self.embeddings = embeddings
        self.head = head

    def build(self, sequence_shape, positions_shape):
        self.head.build(sequence_shape)

    def call(self, sequence, positions):
        hidden = tf.gather(sequence, positions, batch_dims=1)  # (R, P, H)
        return self.head(hidden, self.embeddings.token_embedding)

    def compute_output_spec(self, sequence, positions):
        shape = (*positions.shape, self.head.vocabulary_size)
        return keras.KerasTensor(shape, dtype="float32")
