"""Packs the sequences of a batch, and unpacks what an encoder made of them.

A packed sequence holds several sequences, one behind the other, so that little
of a batch is padding.

Source: Krell et al., 2021 (arXiv:2107.02027).
"""

import keras
from keras import ops

from keras_bert_zoo import feature_names

_HIGHEST = 2**31 - 1


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class PackSequences(keras.layers.Layer):
    """Lays the sequences of a batch one behind the other.

    Letters: `B` sequences of up to `S` tokens, `P` packed sequences of `W`
    tokens.

    Call arguments:
        inputs: dict of int32 `(B, S)`: `padding_mask`, whose ones come
            first, and what else an encoder reads of each token; and of int32
            `(B,)`: `packed_index`, the index of the packed sequence that holds
            each sequence, rising, and `packed_start`, the position of its
            first token there.

    Output: dict of int32 `(P, W)`: what the encoder reads of each token,
    `position_ids` (from 0 in each sequence) and `sequence_ids` (from 1; 0 is
    padding); and of `packed_positions`, int32 `(B, S)`: the index of each
    token among the `P * W` of all packed sequences, 0 for padding.
    """

    def call(self, inputs):
        mask = inputs[feature_names.PADDING_MASK]
        start = inputs[feature_names.PACKED_START]
        index = inputs[feature_names.PACKED_INDEX]
        # A replica may hold a later part of the batch, or none of it.
        index = index - ops.min(index, initial=_HIGHEST)
        num_sequences, length = ops.shape(mask)
        ends = start + ops.sum(mask, axis=1)
        num_packed = ops.max(index, initial=-1) + 1
        packed_length = ops.max(ends, initial=0)
        num_tokens = num_packed * packed_length
        position = ops.arange(length, dtype="int32")[None, :]  # (1, S)
        first = (index * packed_length + start)[:, None]  # (B, 1)
        real = mask > 0
        # Padding all goes to one position, behind the others.
        packed_positions = ops.where(real, first + position, num_tokens)

        def packed(values):
            flat = ops.scatter(
                ops.reshape(packed_positions, (-1, 1)),
                ops.reshape(ops.where(real, values, 0), (-1,)),
                (num_tokens + 1,),
            )
            return ops.reshape(flat[:-1], (num_packed, packed_length))

        sequence = ops.arange(num_sequences, dtype="int32")[:, None] + 1
        return {
            **{name: packed(inputs[name]) for name in _of_tokens(inputs)},
            feature_names.POSITION_IDS: packed(position),
            feature_names.SEQUENCE_IDS: packed(sequence),
            feature_names.PACKED_POSITIONS: ops.where(
                real, packed_positions, 0
            ),
        }

    def compute_output_spec(self, inputs):
        names = (
            *_of_tokens(inputs),
            feature_names.POSITION_IDS,
            feature_names.SEQUENCE_IDS,
        )
        packed_positions = keras.KerasTensor(
            inputs[feature_names.PADDING_MASK].shape, dtype="int32"
        )
        return {
            **{
                name: keras.KerasTensor((None, None), dtype="int32")
                for name in names
            },
            feature_names.PACKED_POSITIONS: packed_positions,
        }

    def get_config(self):
        return super().get_config()


def _of_tokens(inputs) -> list[str]:
    """Returns the names of what the encoder reads of each token."""
    others = (feature_names.PADDING_MASK, *feature_names.PACKED_INPUTS)
    return [name for name in inputs if name not in others]


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class UnpackSequences(keras.layers.Layer):
    """Gathers the vectors of each sequence from those of packed sequences.

    Call arguments:
        hidden: float `(P, W, H)`.
        packed_positions: int32 `(B, S)`, of `PackSequences`.

    Output shape: `(B, S, H)` float. What stands for padding is the vector
    of some token, which nothing may read.
    """

    def call(self, hidden, packed_positions):
        vectors = ops.reshape(hidden, (-1, hidden.shape[-1]))
        return ops.take(vectors, packed_positions, axis=0)

    def compute_output_shape(self, hidden_shape, packed_positions_shape):
        return (*packed_positions_shape, hidden_shape[-1])

    def get_config(self):
        return super().get_config()
