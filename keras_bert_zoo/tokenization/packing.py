"""Rows of tokens: packed into sequences, padded, joined, in graph ops.

What stands last works on any ragged rows, in a few ops:
`tf.RaggedTensor.value_rowids` adds 72 ops to a graph, `tf.repeat` 53,
`tf.ragged.boolean_mask` 114 and `tf.concat` of rows 79; a pipeline that asks
for a dozen of them is traced anew by each `fit`, and optimized anew for each
pass over its rows.
"""

import dataclasses
from collections.abc import Collection
from collections.abc import Mapping
from collections.abc import Sequence

import tensorflow as tf

from keras_bert_zoo import feature_names
from keras_bert_zoo.errors import InputError


@dataclasses.dataclass(frozen=True)
class Template:
    """The special tokens around the segments of a sequence.

    Attributes:
        special_tokens: tuple of tuples of ids: those before the first
            segment, after it, and so on. One more than there are segments.
        inputs: dict of what the encoder reads beside token ids and padding
            mask, by the input's name: a value for each part of the sequence,
            which are special tokens and segments in turn.

    Example: RoBERTa's `<s> a </s></s> b </s>` is
        Template(((0,), (2, 2), (2,)))
    """

    special_tokens: tuple[tuple[int, ...], ...]
    inputs: Mapping[str, tuple[int, ...]] = dataclasses.field(
        default_factory=dict
    )

    @property
    def num_special_tokens(self) -> int:
        return sum(map(len, self.special_tokens))

    def without_inputs(self, names: Collection[str]) -> "Template":
        """Returns the template for an encoder that does not read these."""
        inputs = {k: v for k, v in self.inputs.items() if k not in names}
        return dataclasses.replace(self, inputs=inputs)


@dataclasses.dataclass(frozen=True)
class PackedSequences:
    """Sequences with their special tokens, not yet padded.

    Attributes:
        inputs: dict of int32 ragged `(B, None)`: `token_ids`, and what else
            the encoder reads of each token.
        segment_starts: int32 `(B,)` for each segment: the position of its
            first token in the sequence.
        num_truncated: int32 `(B,)`. Tokens that did not fit, per sequence.
    """

    inputs: dict[str, tf.RaggedTensor]
    segment_starts: tuple[tf.Tensor, ...]
    num_truncated: tf.Tensor

    @property
    def token_ids(self) -> tf.RaggedTensor:
        return self.inputs[feature_names.TOKEN_IDS]

    def positions(
        self, indices: tf.RaggedTensor, segment: int = 0
    ) -> tf.RaggedTensor:
        """Returns where tokens of a segment stand in their sequences.

        Args:
            indices: int32 ragged `(B, None)`, from 0 at the segment's first
                token; -1 is the special token before it.
            segment: int.
        """
        starts = tf.gather(self.segment_starts[segment], row_ids(indices))
        return indices.with_flat_values(indices.flat_values + starts)

    def aligned(
        self, values: tf.RaggedTensor, segment: int = 0
    ) -> tf.RaggedTensor:
        """Returns values of a segment's tokens as values of all tokens.

        Args:
            values: ragged `(B, None)`, one for each token of the segment, of
                which none was truncated.
            segment: int.

        Returns:
            Ragged `(B, None)`, like `token_ids`; 0 for all other tokens.
        """
        token_ids = self.token_ids
        rows = row_ids(values)
        shift = token_ids.row_starts() - values.row_starts()
        shift += tf.cast(self.segment_starts[segment], shift.dtype)
        positions = tf.range(tf.size(rows, shift.dtype))
        positions += tf.gather(shift, rows)
        return token_ids.with_flat_values(
            tf.scatter_nd(
                positions[:, None],
                values.flat_values,
                tf.shape(token_ids.flat_values, shift.dtype),
            )
        )


def pack(
    segments: Sequence[tf.RaggedTensor],
    template: Template,
    sequence_length: int,
) -> PackedSequences:
    """Joins segments by a template.

    Where a pair is too long, the longer segment loses tokens from its end
    until both are equally long, then both do; an odd token goes to the longer
    one, or to the second if they are equal.

    Args:
        segments: one or two ragged int32 `(B, None)`.
        template: of as many segments.
        sequence_length: int. Longest sequence, special tokens included.

    Raises:
        InputError: if `sequence_length` has no room for the special tokens.

    Source: `longest_first` truncation of Hugging Face `tokenizers`.
    """
    num_special = template.num_special_tokens
    budget = sequence_length - num_special
    if budget < 0:
        raise InputError(
            f"`sequence_length` must hold {num_special} special tokens. "
            f"Received: sequence_length={sequence_length}. Raise it."
        )
    lengths = [tf.cast(s.row_lengths(), tf.int32) for s in segments]  # (B,)
    kept = _kept(lengths, budget)
    # One pool of values: the special tokens, then the segments' own.
    special = [
        token_id for group in template.special_tokens for token_id in group
    ]
    zeros = tf.zeros_like(kept[0])
    size = len(template.special_tokens[0])
    ranges = [(zeros, zeros + size)]
    num_before, num_pooled = size, len(special)
    starts = [zeros + size]
    for index, segment in enumerate(segments):
        begin = tf.cast(segment.row_starts(), tf.int32) + num_pooled
        num_pooled += tf.size(segment.values)
        size = len(template.special_tokens[index + 1])
        after = zeros + num_before
        ranges += [(begin, begin + kept[index]), (after, after + size)]
        num_before += size
        starts.append(starts[-1] + kept[index] + size)
    splits, indices = tf.raw_ops.RaggedRange(
        starts=tf.reshape(tf.stack([begin for begin, _ in ranges], 1), [-1]),
        limits=tf.reshape(tf.stack([end for _, end in ranges], 1), [-1]),
        deltas=1,
        Tsplits=tf.int64,
    )
    row_splits = splits[:: len(ranges)]
    pools = {
        feature_names.TOKEN_IDS: [
            tf.constant(special, tf.int32),
            *(segment.values for segment in segments),
        ]
    }
    for name, values in template.inputs.items():
        of_special = [
            value
            for value, group in zip(values[::2], template.special_tokens)
            for _ in group
        ]
        pools[name] = [
            tf.constant(of_special, tf.int32),
            *(
                tf.fill(tf.shape(segment.values), value)
                for value, segment in zip(values[1::2], segments)
            ),
        ]
    return PackedSequences(
        inputs={
            name: _ragged(tf.gather(tf.concat(pool, 0), indices), row_splits)
            for name, pool in pools.items()
        },
        segment_starts=tuple(starts[:-1]),
        num_truncated=tf.add_n(lengths) - tf.add_n(kept),
    )


def pad(
    features: Mapping[str, tf.RaggedTensor | tf.Tensor],
    *,
    padding_id: int,
    sequence_length: int | tf.Tensor | None = None,
    extra_length: int | tf.Tensor | None = None,
    extra: Collection[str] = (),
) -> dict[str, tf.Tensor]:
    """Makes ragged features dense and adds the padding mask.

    Args:
        features: dict that holds ragged `token_ids` (B, None). `token_ids` is
            filled with `padding_id`, other ragged features with 0; dense
            ones pass unchanged.
        padding_id: int.
        sequence_length: int, int scalar or None. The length S of what the
            encoder reads, which cuts longer sequences, static if an int; None
            takes the batch's longest.
        extra_length: int, int scalar or None. The same for extra features.
        extra: names of the features that do not have one value per token.

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
            length = extra_length if name in extra else sequence_length
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


def row_ids(ragged: tf.RaggedTensor) -> tf.Tensor:
    """Returns the row of each value, from 0, in the type of the row splits.

    Args:
        ragged: `(B, None)`, with `N` values in all rows.

    Returns:
        `(N,)`, as `value_rowids` does.
    """
    ends = ragged.row_splits[1:]
    return _rows(ends, tf.size(ragged.values, ends.dtype))


def rows_of_lengths(lengths: tf.Tensor) -> tf.Tensor:
    """Returns the same for rows of these lengths, int `(B,)`."""
    return _rows(tf.cumsum(lengths), tf.reduce_sum(lengths))


def marked(ragged: tf.RaggedTensor, flags: tf.Tensor) -> tf.RaggedTensor:
    """Returns the values of each row that are marked.

    Args:
        ragged: `(B, None)`, with `N` values in all rows.
        flags: bool `(N,)`.

    Returns:
        `(B, None)`, as `tf.ragged.boolean_mask` does.
    """
    splits = ragged.row_splits
    before = tf.cumsum(tf.pad(tf.cast(flags, splits.dtype), [[1, 0]]))
    return tf.RaggedTensor.from_row_splits(
        tf.gather(ragged.values, tf.where(flags)[:, 0]),
        tf.gather(before, splits),
        validate=False,
    )


def joined(one: tf.RaggedTensor, other: tf.RaggedTensor) -> tf.RaggedTensor:
    """Returns the rows of one, each with those of the other behind it.

    Args:
        one, other: `(B, None)` of one type.

    Returns:
        `(B, None)`, as `tf.concat` does along the second axis.
    """
    indices = [
        tf.range(tf.size(values.values, splits.dtype), dtype=splits.dtype)
        + tf.gather(splits, row_ids(values))
        for values, splits in (
            (one, other.row_splits),
            (other, one.row_splits[1:]),
        )
    ]
    return tf.RaggedTensor.from_row_splits(
        tf.dynamic_stitch(
            [tf.cast(each, tf.int32) for each in indices],
            [one.values, other.values],
        ),
        one.row_splits + other.row_splits,
        validate=False,
    )


def _rows(ends, num_values):
    indices = tf.range(num_values, dtype=ends.dtype)
    # As many rows end up to an index as come before its own.
    rows = tf.raw_ops.UpperBound(
        sorted_inputs=tf.expand_dims(ends, 0),
        values=tf.expand_dims(indices, 0),
        out_type=ends.dtype,
    )
    return tf.reshape(rows, [-1])
