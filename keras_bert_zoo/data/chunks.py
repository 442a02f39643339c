"""Chunks: runs of some thousand examples, as arrays, in shuffled order.

A chunk is what one call of the tokenizer sees and what batches of like length
are cut from. Python touches an example once, when it is read; from here on
examples travel in arrays.
"""

import dataclasses
import itertools
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert_zoo.data.examples import Example
from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.data.examples import check_reiterable
from keras_bert_zoo.data.examples import read_examples

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
        max_examples: int. Most examples in a chunk, a multiple of `unit`.
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
        spec = self.head.example_spec(self.with_label)
        columns = column_specs(spec)
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

    def _tensors(self, columns: dict) -> dict:
        spec = self.head.example_spec(self.with_label)
        lists = [name for name, (_, shape) in spec.items() if shape == (None,)]
        ragged = {name: _ragged(columns[name], spec[name][0]) for name in lists}
        return {**columns, **ragged}

    def _in_order(self, examples: Iterable[Example]) -> Iterator[dict]:
        spec = self.head.example_spec(self.with_label)
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
