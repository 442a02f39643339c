"""Moves the sequences of a batch into rows that several of them share."""

import keras
from keras import ops

from keras_bert_zoo import feature_names

_HIGHEST = 2**31 - 1


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class PackRows(keras.layers.Layer):
    """Lays sequences one behind the other, and finds their tokens again.

    Letters: `B` sequences of up to `S` tokens, `P` rows of `W` tokens.

    Call arguments:
        inputs: dict of int32 `(B, S)`: `padding_mask`, whose ones come
            first, and what else an encoder reads of each token; and of int32
            `(B,)`: `packed_row`, the row of each sequence, rising, and
            `packed_start`, its first token's place in it.

    Output: dict of int32 `(P, W)`: what the encoder reads of each token,
    `position_ids` (from 0 in each sequence) and `sequence_ids` (from 1; 0 is
    padding); and of `places`, int32 `(B, S)`: where a token is among all
    cells, 0 for padding.
    """

    def call(self, inputs):
        mask = inputs[feature_names.PADDING_MASK]
        start = inputs[feature_names.PACKED_START]
        row = inputs[feature_names.PACKED_ROW]
        # A replica may hold a later part of the batch, or none of it.
        row = row - ops.min(row, initial=_HIGHEST)
        num_sequences, length = ops.shape(mask)
        ends = start + ops.sum(mask, axis=1)
        num_rows = ops.max(row, initial=-1) + 1
        width = ops.max(ends, initial=0)
        num_cells = num_rows * width
        position = ops.arange(length, dtype="int32")[None, :]  # (1, S)
        first = (row * width + start)[:, None]  # (B, 1)
        real = mask > 0
        # Padding all goes into one cell, behind the others.
        places = ops.where(real, first + position, num_cells)

        def packed(values):
            cells = ops.scatter(
                ops.reshape(places, (-1, 1)),
                ops.reshape(ops.where(real, values, 0), (-1,)),
                (num_cells + 1,),
            )
            return ops.reshape(cells[:-1], (num_rows, width))

        sequence = ops.arange(num_sequences, dtype="int32")[:, None] + 1
        return {
            **{name: packed(inputs[name]) for name in _of_tokens(inputs)},
            feature_names.POSITION_IDS: packed(position),
            feature_names.SEQUENCE_IDS: packed(sequence),
            feature_names.PLACES: ops.where(real, places, 0),
        }

    def compute_output_spec(self, inputs):
        rows = (
            *_of_tokens(inputs),
            feature_names.POSITION_IDS,
            feature_names.SEQUENCE_IDS,
        )
        places = keras.KerasTensor(
            inputs[feature_names.PADDING_MASK].shape, dtype="int32"
        )
        return {
            **{
                name: keras.KerasTensor((None, None), dtype="int32")
                for name in rows
            },
            feature_names.PLACES: places,
        }

    def get_config(self):
        return super().get_config()


def _of_tokens(inputs) -> list[str]:
    """Returns the names of what the encoder reads of each token."""
    others = (feature_names.PADDING_MASK, *feature_names.PACKED_INPUTS)
    return [name for name in inputs if name not in others]
