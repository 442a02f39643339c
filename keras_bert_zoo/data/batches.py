"""Batches of sequences: which share one, and what each is padded to.

Sequences of like length share a batch, so that little of it is padding. XLA,
and so a TPU, compiles a program anew for each shape of its inputs: where shapes
are to be few, batches are padded to bucket lengths.

Letters: `R` sequences in a chunk, `N` batches cut from it, `B` sequences in a
batch, `S` tokens in its longest, or its bucket length. An example is one
sequence or, where its head splits long texts, several.
"""

import threading
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from keras_bert_zoo import arguments
from keras_bert_zoo import feature_names
from keras_bert_zoo.data.chunks import EXAMPLE_INDEX
from keras_bert_zoo.data.chunks import Chunks
from keras_bert_zoo.data.chunks import chunk_size
from keras_bert_zoo.data.chunks import column_specs
from keras_bert_zoo.data.examples import Example
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.tokenization.packing import pad_to
from keras_bert_zoo.tokenization.packing import row_ids
from keras_bert_zoo.tokenization.packing import rows_of_lengths

_SHORTEST = 32


def group_by_size(
    lengths: tf.Tensor,
    batch_size: int,
    drop_remainder: bool = False,
    pool_size: int | None = None,
) -> tf.RaggedTensor:
    """Returns the sequences of each batch, shortest first, `batch_size` each.

    Args:
        lengths: int `(R,)`, tokens in each sequence, at least one.
        batch_size: int. Sequences in a batch; the last may have fewer.
        drop_remainder: bool. Whether sequences at the chunk's end are dropped,
            so that the last batch has as many. Were that batch dropped instead,
            the longest sequences would be lost, always.
        pool_size: int or `None`. Sequences among which batches of like
            length are found, a multiple of `batch_size`; all if `None`.

    Returns:
        int32 `RaggedTensor` `(N, None)` of indices.
    """
    if drop_remainder:
        lengths = lengths[: tf.size(lengths) // batch_size * batch_size]
    if pool_size is not None:
        pools = tf.range(tf.size(lengths)) // pool_size
        longest = tf.reduce_max(lengths) + 1
        lengths += tf.cast(pools, lengths.dtype) * longest
    order = tf.argsort(lengths, stable=True)  # (R,)
    num_sequences = tf.size(order)
    starts = tf.range(0, num_sequences, batch_size)
    return tf.RaggedTensor.from_row_starts(order, starts, validate=False)


def group_by_tokens(
    lengths: tf.Tensor, tokens_per_batch: int
) -> tf.RaggedTensor:
    """Returns the sequences of each batch, shortest first, within a budget.

    A batch takes sequences while their number times the longest of them stays
    within the budget. A sequence above it makes a batch of its own.

    Args:
        lengths: int `(R,)`, tokens in each sequence, at least one.
        tokens_per_batch: int. Most tokens in a batch, padding included.

    Returns:
        int32 `RaggedTensor` `(N, None)` of indices.
    """
    order = tf.argsort(lengths, stable=True)  # (R,)
    num_sequences = tf.size(order)
    ascending = tf.cast(tf.gather(lengths, order), tf.int32)
    indices = tf.range(num_sequences)

    def add_batch(start, starts):
        padded = (indices - start + 1) * ascending  # rises from `start` on
        fits = (indices >= start) & (padded <= tokens_per_batch)
        num_fitting = tf.reduce_sum(tf.cast(fits, tf.int32))
        starts = starts.write(starts.size(), start)
        return start + tf.maximum(num_fitting, 1), starts

    _, starts = tf.while_loop(
        lambda start, _: start < num_sequences,
        add_batch,
        (0, tf.TensorArray(tf.int32, size=0, dynamic_size=True)),
    )
    return tf.RaggedTensor.from_row_starts(
        order, starts.stack(), validate=False
    )


def shuffle_groups(groups: tf.RaggedTensor, seed: tf.Tensor):
    """Returns the batches shuffled by `seed`, int `(2,)`."""
    keys = tf.random.stateless_uniform(
        [groups.nrows()], seed, dtype=tf.float64, alg="philox"
    )
    return tf.gather(groups, tf.argsort(keys, stable=True))


def num_padded_tokens(
    groups: tf.RaggedTensor,
    lengths: tf.Tensor,
    bucket_lengths: Sequence[int] | None = None,
):
    """Returns the tokens of all batches, padding included.

    Args:
        groups: sequences of each batch, at least one in each, `(N, None)`.
        lengths: int `(R,)`, tokens in each sequence.
        bucket_lengths: what batches are padded to; each to its longest
            sequence if `None`.
    """
    longest = tf.math.segment_max(
        tf.gather(lengths, groups.flat_values), row_ids(groups)
    )  # (N,)
    if bucket_lengths is not None:
        longest = tf.gather(
            tf.constant(bucket_lengths, longest.dtype),
            bucket_indices(longest, bucket_lengths),
        )
    sizes = tf.cast(groups.row_lengths(), longest.dtype)
    return tf.reduce_sum(longest * sizes)


def default_bucket_lengths(sequence_length: int) -> tuple[int, ...]:
    """Returns bucket lengths: powers of 2 from 32 on, `sequence_length` last.

    Compiling a large encoder takes minutes for each. Doubling keeps them
    few, and less than half of the longest sequence is padding.
    """
    bucket_lengths = []
    length = _SHORTEST
    while length < sequence_length:
        bucket_lengths.append(length)
        length *= 2
    return (*bucket_lengths, sequence_length)


def checked_bucket_lengths(
    bucket_lengths: Sequence[int], sequence_length: int
) -> tuple[int, ...]:
    """Returns the bucket lengths, checked to hold every sequence.

    Args:
        bucket_lengths: in tokens, ascending.
        sequence_length: int. Most tokens in a sequence.

    Raises:
        InputError: if they do not rise to `sequence_length`.
    """
    checked = tuple(
        arguments.whole_number("bucket_lengths", length)
        for length in bucket_lengths
    )
    rises = all(length < other for length, other in zip(checked, checked[1:]))
    if not rises or checked[-1:] != (sequence_length,):
        raise InputError(
            "`bucket_lengths` must rise to `sequence_length`, so that each "
            f"sequence has one. Received: bucket_lengths={checked}, "
            f"sequence_length={sequence_length}. Sort them, and end with "
            f"{sequence_length}."
        )
    return checked


def bucket_indices(
    lengths: tf.Tensor, bucket_lengths: Sequence[int]
) -> tf.Tensor:
    """Returns the index of the smallest bucket that holds each length.

    Args:
        lengths: int `(N,)`. Tokens.
        bucket_lengths: in tokens, ascending.

    Returns:
        int32 `(N,)`.
    """
    return tf.searchsorted(tf.constant(bucket_lengths, lengths.dtype), lengths)


def padded_batch(
    features: Mapping[str, Any],
    group: tf.Tensor,
    *,
    tokenizer: Any,
    bucket_lengths: Sequence[int] | None,
    head: Any,
) -> dict:
    """Returns some sequences of a chunk as a batch.

    Args:
        features: `inputs`, and what else a head made of the chunk.
        group: int `(B,)`. Which sequences.
        tokenizer: `Tokenizer`.
        bucket_lengths: what the batch is padded to, the smallest that holds
            it; its longest sequence if `None`.
        head: `TaskHead`.
    """
    batch = tf.nest.map_structure(
        lambda tensor: tf.gather(tensor, group), dict(features)
    )
    inputs = batch.pop("inputs")
    extra = [info.name for info in head.token_inputs()]
    length = extra_length = None
    if bucket_lengths is not None:
        longest = tf.reduce_max(inputs[feature_names.TOKEN_IDS].row_lengths())
        bucket = bucket_indices(longest[None], bucket_lengths)[0]
        length = tf.constant(bucket_lengths)[bucket]
        extra_lengths = [head.extra_length(length) for length in bucket_lengths]
        extra_length = tf.constant(extra_lengths)[bucket]
        _check_room([inputs[name] for name in extra], extra_length)
        _check_room(batch, extra_length)
    inputs = tokenizer.pad(
        inputs,
        length,
        extra_length=extra_length,
        extra=extra,
    )
    return {**as_dense(batch, extra_length), "inputs": inputs}


def as_dense(values: Any, length: tf.Tensor | None = None) -> Any:
    """Returns labels or weights, in any structure, ragged ones padded with 0.

    Args:
        values: tensors, in any structure.
        length: what ragged ones are padded to; their longest if `None`,
            which gives those with a value per token the length of the
            padded inputs.
    """

    def dense(tensor):
        is_ragged = isinstance(tensor, tf.RaggedTensor)
        return pad_to(tensor, length) if is_ragged else tensor

    return tf.nest.map_structure(dense, values)


def _check_room(values: Any, length: tf.Tensor) -> None:
    # What is padded to a length would be cut to it, too.
    for tensor in tf.nest.flatten(values):
        if isinstance(tensor, tf.RaggedTensor):
            tf.debugging.assert_less_equal(
                tensor.row_lengths(),
                tf.cast(length, tensor.row_splits.dtype),
                "A sequence has more labels, weights or extra inputs than "
                "its head's `extra_length` says.",
            )


class InputCounts:
    """Counts of truncated texts, tokens and padding in the input pipeline.

    Give an instance to `build_dataset`. The numbers are those of its first
    pass, and whole once that pass has ended.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._is_whole = False
        self._counts = (0, 0, 0, 0)

    @property
    def num_examples(self) -> int:
        """Examples tokenized."""
        return self._counts[0]

    @property
    def num_truncated(self) -> int:
        """Examples that lost tokens because they were too long."""
        return self._counts[1]

    @property
    def num_tokens(self) -> int:
        """Tokens in all batches, without padding."""
        return self._counts[2]

    @property
    def num_padded_tokens(self) -> int:
        """Tokens in all batches, padding included."""
        return self._counts[3]

    @property
    def padding_fraction(self) -> float:
        """Fraction of padding among all tokens, in [0, 1)."""
        if not self.num_padded_tokens:
            return 0.0
        return 1 - self.num_tokens / self.num_padded_tokens

    def finish(self) -> None:
        """Ends the counting: the first pass may be read again."""
        self._is_whole = True

    def add(self, number: int, *counts: int) -> None:
        """Adds a part of pass `number`; later ones than 0 do not count."""
        if number > 0 or self._is_whole:
            return
        with self._lock:
            self._counts = tuple(
                int(old + new)
                for old, new in zip(self._counts, counts, strict=True)
            )


class PredictionBatches:
    """Batches of unlabelled examples with their numbers and context.

    Examples of like length share a batch, so batches do not follow the order of
    the examples: the numbers put answers back in place. What it runs is traced
    once, however often it is called. `context_spec` are the types of the
    context.

    Args:
        head: `TaskHead`.
        features: function from a batch of examples to `Features`.
        pad: function from the inputs of features to padded ones.
    """

    def __init__(self, head: Any, features: Callable, pad: Callable):
        self._head = head
        self._features_of = features
        self._pad = pad
        columns = column_specs(head.example_spec(with_label=False))
        self._prepare = tf.function(
            self._features,
            input_signature=[columns, tf.TensorSpec((), tf.int32)],
            autograph=False,
        )
        inputs, context, constants, groups, _ = output_specs(self._prepare)
        self._assemble = tf.function(
            self._gather,
            input_signature=[
                inputs,
                context,
                tf.TensorSpec((None,), groups.dtype),
            ],
            autograph=False,
        )
        _, context = output_specs(self._assemble)
        self.context_spec = {**context, **constants}

    def __call__(
        self,
        examples: Iterable[Example],
        batch_size: int,
        counts: InputCounts | None = None,
    ) -> Iterator[tuple[dict, dict, tf.Tensor]]:
        """Yields `(inputs, context, example_index)`.

        That is: the model's inputs, int32 `(B, S)` each; what the head needs to
        decode whole examples, `num_sequences` among it where it splits texts;
        and int64 numbers of the examples, from 0. An example has all of its
        sequences in one batch.

        Args:
            examples: re-iterable examples.
            batch_size: int. Examples in a batch; the last may have fewer.
            counts: filled with examples and truncated ones, or `None`.

        Raises:
            InputError: if an example is wrong.
        """
        chunks = Chunks(
            examples,
            self._head,
            with_label=False,
            unit=batch_size,
            max_examples=chunk_size(batch_size),
        )
        for columns in chunks.in_order():
            example_index = columns.pop(EXAMPLE_INDEX)
            inputs, context, constants, groups, num_truncated = self._prepare(
                {name: _tensor(values) for name, values in columns.items()},
                tf.constant(batch_size),
            )
            if counts is not None:
                counts.add(0, len(example_index), int(num_truncated), 0, 0)
            for group in groups:
                batch, part = self._assemble(inputs, context, group)
                yield batch, {**part, **constants}, example_index[group.numpy()]

    def _features(self, columns, batch_size):
        sequences = self._features_of(columns)
        lengths = sequences.inputs[feature_names.TOKEN_IDS].row_lengths()
        if sequences.num_sequences is not None:
            lengths = tf.math.unsorted_segment_sum(
                lengths,
                rows_of_lengths(sequences.num_sequences),
                tf.size(sequences.num_sequences),
            )
        groups = group_by_size(lengths, batch_size)
        constants = dict(sequences.constants or {})
        context = sequences._replace(constants=None).decoding_context()
        num_truncated = tf.math.count_nonzero(sequences.num_truncated)
        return dict(sequences.inputs), context, constants, groups, num_truncated

    def _gather(self, inputs, context, group):
        sequences = group
        counts = context.get(feature_names.NUM_SEQUENCES)
        if counts is not None:
            ends = tf.gather(tf.cumsum(counts), group)
            starts = ends - tf.gather(counts, group)
            sequences = tf.ragged.range(starts, ends).flat_values
        inputs = tf.nest.map_structure(
            lambda tensor: tf.gather(tensor, sequences), inputs
        )
        context = tf.nest.map_structure(
            lambda tensor: tf.gather(tensor, group), context
        )
        return self._pad(inputs), context


def output_specs(function: Any) -> Any:
    """Returns the types of what a `tf.function` with a signature returns."""
    outputs = function.get_concrete_function().structured_outputs
    return tf.nest.map_structure(tf.type_spec_from_value, outputs)


def _tensor(values):
    if isinstance(values, tf.RaggedTensor):
        return values
    return tf.convert_to_tensor(values)
