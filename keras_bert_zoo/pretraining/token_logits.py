"""The masked-LM layers on an encoder, and their published weights."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.layers import MaskedLMHead

MASK_POSITIONS = "mask_positions"
_HEAD = "masked_lm_head"
_LAYER = "logits"


def token_logits(
    encoder: keras.Model, sequence: Any, positions: Any
) -> keras.KerasTensor:
    """Returns logits of the vocabulary at some positions, `(R, P, V)` float32.

    Args:
        encoder: the encoder, whose token table is the output projection.
        sequence: its `sequence_output`, float `(R, S, H)`.
        positions: int32 `(R, P)`.

    Raises:
        InputError: if the encoder has no such table.
    """
    table = getattr(encoder, "token_embedding", None)
    if not isinstance(table, keras.Variable):
        raise InputError(
            "The masked-LM head needs an encoder whose `token_embedding` "
            f"is a variable. Received: {type(encoder).__name__}, whose is "
            f"{type(table).__name__}. Load its weights with "
            "`BertEncoder.from_preset`."
        )
    # As the encoder computes, where it says so.
    config = encoder.get_config()
    alike = ("activation", "layer_norm_epsilon", "initializer_range")
    head = MaskedLMHead(
        *table.shape,
        **{name: config[name] for name in alike if name in config},
        dtype=encoder.dtype_policy,
        name=_HEAD,
    )
    layer = TokenLogits(encoder, head, dtype=encoder.dtype_policy, name=_LAYER)
    return layer(sequence, positions)


def masked_lm_variables(model: keras.Model) -> dict[str, keras.Variable]:
    """Returns the variables of the masked-LM head by `MaskedLMHead`'s names.

    Args:
        model: one that `token_logits` is a part of.
    """
    head = model.get_layer(_LAYER).head
    return {
        variable.path.partition(f"{_HEAD}/")[2]: variable
        for variable in head.variables
    }


def masked_lm_weights(model: keras.Model) -> dict[str, np.ndarray]:
    """Returns their values, in the form in which checkpoints name them."""
    return {
        name: np.asarray(keras.ops.convert_to_numpy(variable))
        for name, variable in masked_lm_variables(model).items()
    }


class TokenLogits(keras.layers.Layer):
    """Logits of the vocabulary at the given positions only.

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
