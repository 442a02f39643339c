"""From rows of tokens to what an encoder reads, in core TensorFlow ops."""

import dataclasses
from collections.abc import Mapping
from collections.abc import Sequence

import tensorflow as tf

from keras_bert_zoo import feature_names
from keras_bert_zoo.errors import InputError


@dataclasses.dataclass(frozen=True)
class PackedRagged:
    """Sequences with their special tokens, not yet padded.

    Attributes:
        token_ids: int32 (B, None).
        segment_ids: int32 (B, None). 0 up to the first separator, then 1.
        num_truncated: int32 (B,). Tokens that did not fit, per row.
    """

    token_ids: tf.RaggedTensor
    segment_ids: tf.RaggedTensor
    num_truncated: tf.Tensor


def pack(
    segments: Sequence[tf.RaggedTensor],
    *,
    sequence_length: int,
    start_id: int,
    separator_id: int,
) -> PackedRagged:
    """Joins one or two segments to `[CLS] a [SEP]` or `[CLS] a [SEP] b [SEP]`.

    Where a pair is too long, the longer segment loses tokens from its end
    until both are equally long, then both do; an odd token goes to the longer
    one, or to `b` if they are equal.

    Args:
        segments: one or two ragged int32 (B, None).
        sequence_length: int. Longest row, special tokens included.
        start_id: int.
        separator_id: int.

    Raises:
        InputError: if there are no segments or more than two, or if
            `sequence_length` has no room for the special tokens.

    Source: `longest_first` truncation of Hugging Face `tokenizers`.
    """
    if len(segments) not in (1, 2):
        raise InputError(
            "A sequence is packed from one or two segments. Received: "
            f"{len(segments)}. Join the others first."
        )
    budget = sequence_length - len(segments) - 1
    if budget < 0:
        raise InputError(
            f"`sequence_length` must hold {len(segments) + 1} special tokens. "
            f"Received: sequence_length={sequence_length}. Raise it."
        )
    lengths = [tf.cast(s.row_lengths(), tf.int32) for s in segments]  # (B,)
    kept = _kept(lengths, budget)
    # One pool of values: the special tokens, then the segments' own.
    pool = tf.constant([start_id, separator_id, separator_id], tf.int32)
    pool_segments = tf.constant([0, 0, 1], tf.int32)
    start = tf.zeros_like(kept[0])
    ranges = [(start, start + 1)]
    for index, segment in enumerate(segments):
        begin = tf.cast(segment.row_starts(), tf.int32) + tf.size(pool)
        separator = start + 1 + index
        ranges += [(begin, begin + kept[index]), (separator, separator + 1)]
        pool = tf.concat([pool, segment.values], 0)
        own = tf.fill(tf.shape(segment.values), index)
        pool_segments = tf.concat([pool_segments, own], 0)
    splits, places = tf.raw_ops.RaggedRange(
        starts=tf.reshape(tf.stack([begin for begin, _ in ranges], 1), [-1]),
        limits=tf.reshape(tf.stack([end for _, end in ranges], 1), [-1]),
        deltas=1,
        Tsplits=tf.int64,
    )
    row_splits = splits[:: len(ranges)]
    return PackedRagged(
        token_ids=_ragged(tf.gather(pool, places), row_splits),
        segment_ids=_ragged(tf.gather(pool_segments, places), row_splits),
        num_truncated=tf.add_n(lengths) - tf.add_n(kept),
    )


def pad(
    features: Mapping[str, tf.RaggedTensor | tf.Tensor],
    *,
    padding_id: int,
    sequence_length: int | tf.Tensor | None = None,
    further_length: int | tf.Tensor | None = None,
) -> dict[str, tf.Tensor]:
    """Makes ragged features dense and adds the padding mask.

    Args:
        features: dict that holds ragged `token_ids` (B, None). `token_ids` is
            filled with `padding_id`, other ragged features with 0; dense
            ones pass unchanged.
        padding_id: int.
        sequence_length: int, int scalar or None. The length S of what the
            encoder reads, which cuts longer rows, static if an int; None
            takes the batch's longest.
        further_length: int, int scalar or None. The same for further ragged
            features, which do not have one value per token.

    Returns:
        dict of dense tensors, with `padding_mask`, int32 (B, S), 1 for a
        real token.

    Raises:
        InputError: if `token_ids` is missing or not ragged.
    """
    token_ids = features.get(feature_names.TOKEN_IDS)
    if not isinstance(token_ids, tf.RaggedTensor):
        raise InputError(
            f"`{feature_names.TOKEN_IDS}` must be a ragged tensor. Received: "
            f"{type(token_ids).__name__}. Pad what `pack` returns."
        )
    padded = {}
    for name, values in features.items():
        if isinstance(values, tf.RaggedTensor):
            fill = padding_id if name == feature_names.TOKEN_IDS else 0
            is_read = name in feature_names.ENCODER_INPUTS
            length = sequence_length if is_read else further_length
            values = pad_to(values, length, fill)
        padded[name] = values
    if sequence_length is None:
        sequence_length = tf.shape(padded[feature_names.TOKEN_IDS])[1]
    padded[feature_names.PADDING_MASK] = tf.sequence_mask(
        token_ids.row_lengths(), sequence_length, dtype=tf.int32
    )
    return padded


def pad_to(
    values: tf.RaggedTensor, length: int | tf.Tensor | None, fill: int = 0
) -> tf.Tensor:
    """Returns rows `(B, None, ...)` as `(B, length, ...)`.

    Args:
        values: the rows; longer ones are cut.
        length: int, int scalar, or `None` for the longest row's.
        fill: int. What stands behind short rows.
    """
    shape = [None, length, *values.shape[2:]]
    if tf.is_tensor(length):
        # Beside a tensor, this means what `None` does beside numbers.
        shape = [-1 if size is None else size for size in shape]
    return values.to_tensor(tf.cast(fill, values.dtype), shape=shape)


def _kept(lengths, budget):
    """Returns how many tokens each segment keeps, int32 (B,) each."""
    if len(lengths) == 1:
        return [tf.minimum(lengths[0], budget)]
    first, second = lengths
    half = budget // 2
    larger_half = budget - half
    # A segment within its half is kept whole; the other one takes the rest.
    first_half = tf.where(first > second, larger_half, half)
    second_half = budget - first_half
    kept_first = tf.minimum(first, tf.maximum(first_half, budget - second))
    kept_second = tf.minimum(second, tf.maximum(second_half, budget - first))
    return [kept_first, kept_second]


def _ragged(values, row_splits):
    return tf.RaggedTensor.from_row_splits(values, row_splits, validate=False)
