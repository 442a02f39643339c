"""Gives sequences that shared a row their own ones back."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class UnpackRows(keras.layers.Layer):
    """Finds the vectors of each sequence where `PackRows` put its tokens.

    Call arguments:
        hidden: float `(P, W, H)`.
        places: int32 `(B, S)`, of `PackRows`.

    Output shape: `(B, S, H)` float. What stands for padding is the vector
    of some token, which nothing may read.
    """

    def call(self, hidden, places):
        cells = ops.reshape(hidden, (-1, hidden.shape[-1]))
        return ops.take(cells, places, axis=0)

    def compute_output_shape(self, hidden_shape, places_shape):
        return (*places_shape, hidden_shape[-1])

    def get_config(self):
        return super().get_config()
