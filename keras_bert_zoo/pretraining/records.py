"""Training examples as TFRecords, under the keys of the published scripts.

Files of google-research/bert and tf-models-official are read. A record has one
example: int64 lists of the sequence length `S` (`input_ids`, `input_mask`, and
what else the encoder reads), of the most masked tokens `P`
(`masked_lm_positions`, `masked_lm_ids`; `masked_lm_weights` are floats), and
`next_sentence_labels`, one number.

Source: `create_pretraining_data.py` and `bert_pretrain_dataloader.py` of these
projects, for the keys.
"""

import hashlib
import os
import types
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_bert_zoo import feature_names
from keras_bert_zoo import storage
from keras_bert_zoo.data import BatchStream
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.pretraining.objectives.masked_lm import MASKED_LM
from keras_bert_zoo.pretraining.objectives.masked_lm import NEXT_SENTENCE
from keras_bert_zoo.pretraining.objectives.masked_lm import MaskedLM
from keras_bert_zoo.pretraining.token_logits import MASK_POSITIONS
from keras_bert_zoo.task import Features
from keras_bert_zoo.tokenization import Tokenizer

_IDS, _MASK = "input_ids", "input_mask"
_POSITIONS, _ORIGINALS = "masked_lm_positions", "masked_lm_ids"
_WEIGHTS, _PAIR = "masked_lm_weights", "next_sentence_labels"
# Names that newer scripts have, in the order of ours.
_NEWER = {_IDS: "input_word_ids"}
_NEWER_OF_OTHERS = "input_type_ids"

# Files that are read at a time, and records that change places.
_CYCLE = 16
_SHUFFLED = 10_000
# Records that are checked at a time.
_CHECKED = 1024
# Of those that are known to be whole, files and records in each.
_SAMPLED_FILES = 32
_SAMPLED_RECORDS = 4096


def to_arrays(
    features: Features,
    objective: MaskedLM,
    tokenizer: Tokenizer,
    sequence_length: int,
) -> dict[str, np.ndarray]:
    """Returns examples as the arrays of records, by key.

    Args:
        features: of `R` examples, as the objective made them.
        objective: `MaskedLM`.
        tokenizer: `Tokenizer`.
        sequence_length: int, `S`.

    Returns:
        int64 and float32 arrays `(R, S)`, `(R, P)` and `(R, 1)`.
    """
    most = objective.extra_length(sequence_length)
    inputs = tokenizer.pad(
        features.inputs,
        sequence_length,
        extra_length=most,
        extra=[MASK_POSITIONS],
    )
    inputs = {name: tensor.numpy() for name, tensor in inputs.items()}

    def dense(ragged):
        return ragged.to_tensor(0, shape=(None, most)).numpy()

    arrays = {
        _IDS: inputs.pop(feature_names.TOKEN_IDS),
        _MASK: inputs.pop(feature_names.PADDING_MASK),
        _POSITIONS: inputs.pop(MASK_POSITIONS),
        # The others are published under the names that we have for them.
        **inputs,
        _ORIGINALS: dense(features.labels[MASKED_LM]),
        _WEIGHTS: dense(features.weights[MASKED_LM]),
    }
    labels = np.zeros((len(arrays[_IDS]), 1))
    if objective.num_segments == 2:
        labels = features.labels[NEXT_SENTENCE].numpy()[:, None]
    arrays[_PAIR] = labels
    return {
        key: values.astype("float32" if key == _WEIGHTS else "int64")
        for key, values in arrays.items()
    }


def serialized(arrays: Mapping[str, np.ndarray]) -> Iterator[bytes]:
    """Yields the records of examples.

    Args:
        arrays: as `to_arrays` gives them.
    """
    columns = {key: values.tolist() for key, values in arrays.items()}
    # Masks, segments, weights and labels are few different ones.
    known: dict[tuple, tf.train.Feature] = {}
    for row in range(len(arrays[_IDS])):
        feature = {}
        for key, values in columns.items():
            if key in (_IDS, _POSITIONS, _ORIGINALS):
                feature[key] = _feature(key, values[row])
                continue
            numbers = (key, *values[row])
            if numbers not in known:
                known[numbers] = _feature(key, values[row])
            feature[key] = known[numbers]
        example = tf.train.Example(features=tf.train.Features(feature=feature))
        # Else the order of the keys differs from process to process.
        yield example.SerializeToString(deterministic=True)


def _feature(key: str, numbers: list) -> tf.train.Feature:
    if key == _WEIGHTS:
        return tf.train.Feature(float_list=tf.train.FloatList(value=numbers))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=numbers))


class RecordFiles:
    """Examples of TFRecord files, as batches of ready features.

    Args:
        paths: the files.
        objective: `MaskedLM`.
        tokenizer: `Tokenizer`.
        known: path -> number of its examples, of files that are known to be
            whole. All records of the others are looked at; of these, some of
            some.

    Attributes:
        sequence_length: int. Of all examples.
        num_examples: int.
        counts: path -> number of its examples.
        token_counts: int64 `(V,)`. How often each token is a masked one, in
            the records that were looked at.

    Raises:
        InputError: if a file is cut short or no TFRecord, a key is missing,
            or an example differs from the others in length or has a token
            that the tokenizer has not; the message names file and record.
        OSError: if a file cannot be read.
    """

    def __init__(
        self,
        paths: Sequence[str | os.PathLike],
        objective: MaskedLM,
        tokenizer: Tokenizer,
        known: Mapping[str, int] = types.MappingProxyType({}),
    ):
        self.paths = [os.fspath(path) for path in paths]
        if not self.paths:
            raise InputError("Examples lie in files. Received: none. Name one.")
        self._objective = objective
        self._tokenizer = tokenizer
        num_segments = objective.num_segments
        (self._other,) = tokenizer.template(num_segments).inputs or (None,)
        self._keys = self._found_keys()
        self.token_counts = np.zeros(tokenizer.vocabulary_size, "int64")
        self.counts = {
            path: known[path] if path in known else self._count(path)
            for path in self.paths
        }
        for path in list(known)[:: -(-len(known) // _SAMPLED_FILES) or 1]:
            self._count(path, _SAMPLED_RECORDS)
        self.num_examples = sum(self.counts.values())

    def batches(
        self, batch_size: int, *, seed: int = 0, fixed_shapes: bool = False
    ) -> "RecordBatches":
        """Returns the examples as batches, in another order each pass.

        Args:
            batch_size: int. Examples in a batch.
            seed: int. Of the order.
            fixed_shapes: bool. Whether batches are whole and as long as the
                examples; else each is as long as its longest one.
        """
        return RecordBatches(self, batch_size, seed, fixed_shapes)

    def check(self) -> None:
        """Looks at all records of all files.

        Raises:
            InputError: naming the first file and record that are wrong.
        """
        for path in self.paths:
            self._count(path)

    def digest(self) -> str:
        """Returns the digest of how often each token is masked, and where."""
        digest = hashlib.blake2b(digest_size=8)
        digest.update(self.token_counts.tobytes())
        digest.update(repr([*self.counts.values()]).encode())
        return digest.hexdigest()

    def parsed(self, records: tf.Tensor, fixed_shapes: bool) -> tuple:
        """Returns records as `(inputs, labels, weights)`, in a graph.

        Args:
            records: string `(B,)`.
            fixed_shapes: see `batches`.
        """
        found = tf.io.parse_example(records, self._spec())
        found = {name: found[key] for name, key in self._keys.items()}
        mask = found[_MASK]
        length = tf.shape(mask, tf.int64)[1]
        if not fixed_shapes:
            length = tf.reduce_max(tf.reduce_sum(mask, axis=1))

        def cut(name):
            values = tf.cast(found[name][:, :length], tf.int32)
            if fixed_shapes:
                values.set_shape((None, self.sequence_length))
            return values

        inputs = {
            feature_names.TOKEN_IDS: cut(_IDS),
            feature_names.PADDING_MASK: cut(_MASK),
            MASK_POSITIONS: tf.cast(found[_POSITIONS], tf.int32),
        }
        if self._other is not None:
            inputs[self._other] = cut(self._other)
        labels = {MASKED_LM: found[_ORIGINALS]}
        weights = {MASKED_LM: found[_WEIGHTS]}
        if self._objective.num_segments == 2:
            labels[NEXT_SENTENCE] = found[_PAIR][:, 0]
            weights[NEXT_SENTENCE] = tf.ones_like(
                labels[NEXT_SENTENCE], tf.float32
            )
        return inputs, labels, weights

    def _spec(self) -> dict:
        spec = {}
        for name, key in self._keys.items():
            size = self.sequence_length
            if name in (_POSITIONS, _ORIGINALS, _WEIGHTS):
                size = self._num_masked
            elif name == _PAIR:
                size = 1
            kind = tf.float32 if name == _WEIGHTS else tf.int64
            spec[key] = tf.io.FixedLenFeature((size,), kind)
        return spec

    def _found_keys(self) -> dict[str, str]:
        """Returns our name of each list -> its key, by the first record."""
        path = self.paths[0]
        record = next(self._records(path), None)
        if record is None:
            raise InputError(
                f"{path}: examples must be there. Received: an empty file. "
                "Make the examples again."
            )
        feature = tf.train.Example.FromString(record).features.feature
        names = [_IDS, _MASK, _POSITIONS, _ORIGINALS, _WEIGHTS]
        if self._other is not None:
            names.append(self._other)
        if self._objective.num_segments == 2:
            names.append(_PAIR)
        keys = {}
        for name in names:
            newer = _NEWER.get(name)
            if name == self._other:
                newer = _NEWER_OF_OTHERS
            keys[name] = name if name in feature else newer
            if keys[name] is None or keys[name] not in feature:
                raise InputError(
                    f"{path}, record 1: an example must have the key {name}"
                    + (f" or {newer}" if newer else "")
                    + f". Received: {', '.join(sorted(feature)):.200}. Make "
                    "the examples with `bert-zoo make-examples`, or choose an "
                    "objective that does not read it."
                )
        self.sequence_length = len(feature[keys[_IDS]].int64_list.value)
        self._num_masked = len(feature[keys[_ORIGINALS]].int64_list.value)
        return keys

    def _count(self, path: str, most: int | None = None) -> int:
        """Returns how many records a file has, or so many, all checked."""
        spec = self._spec()
        batches = (
            tf.data.TFRecordDataset(path)
            .take(-1 if most is None else most)
            .batch(_CHECKED)
            .map(
                lambda records: tf.io.parse_example(records, spec),
                num_parallel_calls=tf.data.AUTOTUNE,
            )
            .prefetch(2)
        )
        done = 0
        try:
            with storage.os_errors(path):
                for found in batches:
                    self._check(found, path, done)
                    done += len(found[self._keys[_IDS]])
        except OSError as error:
            self._check_one_by_one(path, done, spec)
            raise error
        return done

    def _check(self, found, path: str, done: int) -> None:
        vocabulary_size = self._tokenizer.vocabulary_size
        for name in (_IDS, _ORIGINALS):
            ids = found[self._keys[name]].numpy()
            wrong = np.argwhere((ids < 0) | (ids >= vocabulary_size))
            if wrong.size:
                raise InputError(
                    f"{path}, record {done + wrong[0, 0] + 1}: a token must "
                    f"be one of the vocabulary's {vocabulary_size}. "
                    f"Received: {ids[tuple(wrong[0])]}. Give the vocabulary "
                    "that the examples were made with."
                )
        weights = found[self._keys[_WEIGHTS]].numpy()
        originals = found[self._keys[_ORIGINALS]].numpy()[weights > 0]
        self.token_counts += np.bincount(
            originals, minlength=len(self.token_counts)
        )

    def _check_one_by_one(self, path: str, number: int, spec: dict) -> None:
        """Raises for the first record, after so many, that is wrong."""
        for record in self._records(path, number):
            number += 1
            try:
                tf.io.parse_example([record], spec)
            except tf.errors.InvalidArgumentError:
                feature = tf.train.Example.FromString(record).features.feature
                missing = sorted(spec.keys() - feature.keys())
                raise InputError(
                    f"{path}, record {number}: all examples must have the "
                    "keys of the first, and its lengths, "
                    f"{self.sequence_length} and {self._num_masked}. Received "
                    "one "
                    + (
                        f"without {', '.join(missing)}"
                        if missing
                        else "of other lengths"
                    )
                    + ". Make the examples again."
                ) from None

    def _records(self, path: str, number: int = 0) -> Iterator[bytes]:
        """Yields the records of a file, after so many of them."""
        records = tf.data.TFRecordDataset(path).skip(number)
        try:
            with storage.os_errors(path):
                for record in records.as_numpy_iterator():
                    yield record
                    number += 1
        except OSError as error:
            if not isinstance(error.__cause__, tf.errors.DataLossError):
                raise
            raise InputError(
                f"{path}, record {number + 1}: a TFRecord must be whole. "
                "Received one that is cut short or damaged there. Copy or "
                "make the file again"
                + ("." if number else ", or give a text as `corpus`.")
            ) from None


class RecordBatches(BatchStream):
    """Batches of a `RecordFiles`, read from several files at a time.

    The order of a pass follows from the seed and its number: files by chance,
    records of some files in turn, and of ten thousand of these by chance.

    Args:
        files: `RecordFiles`.
        batch_size, seed, fixed_shapes: see `RecordFiles.batches`.

    Raises:
        InputError: if there are fewer examples than a batch of a fixed shape.
    """

    def __init__(
        self, files: RecordFiles, batch_size: int, seed: int, fixed_shapes: bool
    ):
        self._files = files
        self._batch_size = batch_size
        self._seed = seed
        self._fixed_shapes = fixed_shapes
        if not self.num_batches:
            raise InputError(
                "Batches of a fixed shape must be whole. Received: "
                f"{files.num_examples} examples, batch_size={batch_size}. "
                "Give smaller batches, or more examples."
            )

    @property
    def num_batches(self) -> int:
        if self._fixed_shapes:
            return self._files.num_examples // self._batch_size
        return -(-self._files.num_examples // self._batch_size)

    def check(self) -> None:
        """See `RecordFiles.check`."""
        self._files.check()

    def digest(self) -> str:
        return f"{self._files.digest()}-{self._batch_size}-{self._seed}"

    def dataset(self, first: int = 0) -> tf.data.Dataset:
        first_pass, skipped = divmod(first, self.num_batches)

        def batches_of(number):
            records = self._one_pass(number)
            # Not even parsed.
            num_skipped = tf.constant(skipped * self._batch_size, tf.int64)
            records = records.skip(
                tf.where(number == first_pass, num_skipped, 0)
            )
            return records.batch(
                self._batch_size, drop_remainder=self._fixed_shapes
            )

        options = tf.data.Options()
        # Each worker reads all, and takes its part of every batch.
        options.experimental_distribute.auto_shard_policy = (
            tf.data.experimental.AutoShardPolicy.DATA
        )
        return (
            tf.data.Dataset.counter(first_pass)
            .flat_map(batches_of)
            .map(
                lambda some: self._files.parsed(some, self._fixed_shapes),
                num_parallel_calls=tf.data.AUTOTUNE,
            )
            .apply(
                tf.data.experimental.assert_cardinality(
                    tf.data.INFINITE_CARDINALITY
                )
            )
            .prefetch(tf.data.AUTOTUNE)
            .with_options(options)
        )

    def _one_pass(self, number: tf.Tensor) -> tf.data.Dataset:
        seed = tf.random.fold_in(tf.constant([self._seed, 0], tf.int64), number)

        def shuffled(values, index):
            return tf.random.experimental.stateless_shuffle(
                values, tf.random.fold_in(seed, index)
            )

        files = tf.data.Dataset.from_tensor_slices(
            shuffled(tf.constant(self._files.paths), 0)
        )
        records = files.interleave(
            tf.data.TFRecordDataset,
            cycle_length=min(_CYCLE, len(self._files.paths)),
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )
        windows = records.batch(_SHUFFLED).enumerate(1)
        return windows.map(lambda i, some: shuffled(some, i)).unbatch()
