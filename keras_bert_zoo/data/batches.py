"""Chunks of examples, and which of them share a batch.

A chunk is a run of some thousand examples, as arrays, in shuffled order: what
one call of the tokenizer sees and what batches are cut from. Python touches an
example once, when it is read; from there on examples travel in arrays.

Sequences of like length share a batch, so that little of it is padding. XLA,
and so a TPU, compiles a program anew for each shape of its inputs: where shapes
are to be few, batches are padded to bucket lengths.

Letters: `R` sequences in a chunk, `N` batches cut from it, `B` sequences in a
batch, `S` tokens in its longest, or its bucket length. An example is one
sequence or, where its head splits long texts, several.
"""

import dataclasses
import itertools
import threading
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert_zoo import arguments
from keras_bert_zoo import feature_names
from keras_bert_zoo.data.examples import Example
from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.data.examples import check_reiterable
from keras_bert_zoo.data.examples import read_examples
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.tokenization.packing import pad_to
from keras_bert_zoo.tokenization.packing import row_ids

_SHORTEST = 32
EXAMPLE_INDEX = "example_index"
CHUNK_BYTES = 32 * 2**20
SHUFFLED_EXAMPLES = 100_000
SHUFFLED_BYTES = 128 * 2**20
CHUNK_BATCHES = 64
MAX_CHUNK_EXAMPLES = 8192


def chunk_size(batch_size: int) -> int:
    """Returns the most examples in a chunk of whole batches."""
    batches = min(CHUNK_BATCHES, max(MAX_CHUNK_EXAMPLES // batch_size, 1))
    return batches * batch_size


def column_specs(spec: Mapping[str, tuple]) -> dict:
    """Returns the types of a chunk's columns for a head's `example_spec`."""
    return {
        name: _column_spec(dtype, shape)
        for name, (dtype, shape) in spec.items()
    }


@dataclasses.dataclass(frozen=True)
class Chunks:
    """Reads a data set in chunks, shuffled or in order.

    Every chunk but the last has a multiple of `unit` examples. Memory is
    bounded: by `max_examples` and `CHUNK_BYTES` for a chunk, by
    `SHUFFLED_EXAMPLES` and `SHUFFLED_BYTES` for the shuffle.

    Args:
        examples: re-iterable examples.
        head: `TaskHead`.
        with_label: bool. Whether label fields are read.
        unit: int. Examples in a batch, or 1 where batches vary.
        max_examples: int. Maximum number of examples in a chunk, a multiple of
            `unit`.
        shuffle: bool. Whether the order of examples is random.
        seed: int, at least 0. Decides the order and the chunks' seeds,
            which differ from one pass to the next; `None` makes all passes
            alike.

    Raises:
        InputError: if `examples` can be read only once.
    """

    examples: Iterable[Example]
    head: Any
    with_label: bool
    unit: int
    max_examples: int
    shuffle: bool = False
    seed: int | None = None

    def __post_init__(self):
        check_reiterable(self.examples)

    def dataset(
        self, num_trials: int = 0, first_pass: int = 0
    ) -> tf.data.Dataset:
        """Returns `(columns, seed, pass_number)` for each chunk.

        `columns` is a dict of tensors `(R, ...)` for `R` examples, by field
        name (ragged where an example holds a list of any length), with the
        examples' numbers from 0 as `example_index`; `seed` is int64 `(2,)`, for
        stateless random ops; `pass_number` counts the passes from 0.

        Args:
            num_trials: int. Passes that are like pass 0 and come before all
                others.
            first_pass: int. The number of the pass after these.
        """
        columns = column_specs(self._spec())
        columns[EXAMPLE_INDEX] = tf.TensorSpec((None,), "int64")
        passes = itertools.chain([0] * num_trials, itertools.count(first_pass))
        dataset = tf.data.Dataset.from_generator(
            lambda: self._read(next(passes)),
            output_signature=(
                columns,
                tf.TensorSpec((2,), "int64"),
                tf.TensorSpec((), "int64"),
            ),
        )
        return dataset.prefetch(1)

    def in_order(self) -> Iterator[dict]:
        """Yields the columns of each chunk, in the order of the examples."""
        for columns in self._in_order(self.examples):
            yield self._tensors(columns)

    def _read(self, pass_number: int) -> Iterator[tuple]:
        fixed = self.seed is None
        examples = self.examples
        if isinstance(examples, Examples):
            examples = examples.of_pass(0 if fixed else pass_number)
        chunks = self._in_order(examples)
        generator = np.random.default_rng(
            [0, 0] if fixed else [self.seed, pass_number]
        )
        if self.shuffle:
            chunks = self._shuffled(chunks, generator)
        for columns in chunks:
            seed = generator.integers(2**62, size=2)
            yield self._tensors(columns), seed, np.int64(pass_number)

    def _spec(self) -> dict:
        spec = self.head.example_spec(self.with_label)
        is_weighted = getattr(self.examples, "is_weighted", False)
        if self.with_label and is_weighted:
            spec = {**spec, feature_names.SAMPLE_WEIGHT: ("float32", ())}
        return spec

    def _tensors(self, columns: dict) -> dict:
        spec = self._spec()
        lists = [name for name, (_, shape) in spec.items() if shape == (None,)]
        ragged = {name: _ragged(columns[name], spec[name][0]) for name in lists}
        return {**columns, **ragged}

    def _in_order(self, examples: Iterable[Example]) -> Iterator[dict]:
        spec = self._spec()
        texts = [name for name, (dtype, _) in spec.items() if dtype == "string"]
        chunk = []
        num_bytes = 0
        num_read = 0
        for fields in read_examples(examples, self.head, self.with_label):
            chunk.append(fields)
            for name in texts:
                num_bytes += len(fields[name])
            is_full = len(chunk) == self.max_examples or (
                num_bytes > CHUNK_BYTES and len(chunk) % self.unit == 0
            )
            if is_full:
                yield _columns(chunk, spec, num_read)
                num_read += len(chunk)
                chunk = []
                num_bytes = 0
        if chunk:
            yield _columns(chunk, spec, num_read)

    def _shuffled(
        self, chunks: Iterator[dict], generator: np.random.Generator
    ) -> Iterator[dict]:
        # A pool is mixed whole. When it overflows, half of it goes out and
        # the rest is mixed again with what follows.
        pool = []
        num_examples = num_bytes = 0
        for chunk in chunks:
            pool.append(chunk)
            num_examples += _num_examples(chunk)
            num_bytes += _num_bytes(chunk)
            if num_examples > SHUFFLED_EXAMPLES or num_bytes > SHUFFLED_BYTES:
                mixed = _mixed(pool, generator)
                stop = num_examples // 2 // self.unit * self.unit
                yield from self._cut(_part(mixed, 0, stop))
                pool = [_part(mixed, stop, num_examples)]
                num_examples -= stop
                num_bytes = _num_bytes(pool[0])
        if pool:
            yield from self._cut(_mixed(pool, generator))

    def _cut(self, columns: dict) -> Iterator[dict]:
        num_examples = _num_examples(columns)
        chunks = _num_bytes(columns) // CHUNK_BYTES + 1
        step = max(num_examples // chunks // self.unit * self.unit, self.unit)
        step = min(step, self.max_examples)
        for start in range(0, num_examples, step):
            yield _part(columns, start, min(start + step, num_examples))


def _columns(examples: list[dict], spec: dict, first: int) -> dict:
    columns = {
        name: _column([example[name] for example in examples], dtype, shape)
        for name, (dtype, shape) in spec.items()
    }
    columns[EXAMPLE_INDEX] = np.arange(first, first + len(examples))
    return columns


def _column(values: list, dtype: str, shape: tuple) -> np.ndarray:
    if shape != (None,):
        return np.array(values, dtype=object if dtype == "string" else dtype)
    column = np.empty(len(values), dtype=object)
    for index, value in enumerate(values):
        column[index] = np.asarray(value, dtype)
    return column


def _column_spec(dtype: str, shape: tuple):
    if shape == (None,):
        return tf.RaggedTensorSpec((None, None), dtype, ragged_rank=1)
    return tf.TensorSpec((None, *shape), dtype)


def _ragged(column: np.ndarray, dtype: str) -> tf.RaggedTensor:
    return tf.RaggedTensor.from_row_lengths(
        np.concatenate([np.zeros(0, dtype), *column]),
        np.array([len(values) for values in column], "int64"),
        validate=False,
    )


def _num_examples(columns: dict) -> int:
    return len(columns[EXAMPLE_INDEX])


def _num_bytes(columns: dict) -> int:
    return sum(
        sum(map(_size, column)) if column.dtype == object else column.nbytes
        for column in columns.values()
    )


def _size(value: bytes | np.ndarray) -> int:
    return len(value) if isinstance(value, bytes) else value.nbytes


def _part(columns: dict, start: int, stop: int) -> dict:
    return {name: column[start:stop] for name, column in columns.items()}


def _mixed(pool: list[dict], generator: np.random.Generator) -> dict:
    order = generator.permutation(sum(map(_num_examples, pool)))
    return {
        name: np.concatenate([chunk[name] for chunk in pool])[order]
        for name in pool[0]
    }


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
        tokens_per_batch: int. Maximum number of tokens in a batch, padding
            included.

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
        sequence_length: int. Maximum number of tokens in a sequence.

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
