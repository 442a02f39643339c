"""Training examples as TFRecords, under the keys of the published scripts.

Files of google-research/bert and tf-models-official are read. A record has one
example: int64 lists of the sequence length `S` (`input_ids`, `input_mask`, and
what else the encoder reads), of the most hidden tokens `P`
(`masked_lm_positions`, `masked_lm_ids`; `masked_lm_weights` are floats), and
`next_sentence_labels`, one number.

Source: `create_pretraining_data.py` and `bert_pretrain_dataloader.py` of these
projects, for the keys.
"""

import os
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_bert_zoo import feature_names
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.pretraining.objectives.masked_lm import MASKED_LM
from keras_bert_zoo.pretraining.objectives.masked_lm import NEXT_SENTENCE
from keras_bert_zoo.pretraining.objectives.masked_lm import MaskedLM
from keras_bert_zoo.pretraining.token_logits import MASK_POSITIONS
from keras_bert_zoo.task import Features
from keras_bert_zoo.tokenization import Tokenizer

_IDS, _MASK = "input_ids", "input_mask"
_POSITIONS, _HIDDEN = "masked_lm_positions", "masked_lm_ids"
_WEIGHTS, _PAIR = "masked_lm_weights", "next_sentence_labels"
# Names that newer scripts have, in the order of ours.
_NEWER = {_IDS: "input_word_ids"}
_NEWER_OF_OTHERS = "input_type_ids"

SHUFFLED = 10_000
_CYCLE = 16


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
        _HIDDEN: dense(features.labels[MASKED_LM]),
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
            if key in (_IDS, _POSITIONS, _HIDDEN):
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

    Attributes:
        sequence_length: int. Of all examples.
        num_examples: int.
        counts: path -> number of its examples.
        token_counts: int64 `(V,)`. How often each token is a hidden one.

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
    ):
        self.paths = [os.fspath(path) for path in paths]
        if not self.paths:
            raise InputError("Examples lie in files. Received: none. Name one.")
        self._objective = objective
        num_segments = objective.num_segments
        (self._other,) = tokenizer.template(num_segments).inputs or (None,)
        self._keys = self._found_keys()
        self.token_counts = np.zeros(tokenizer.vocabulary_size, "int64")
        self.counts = {
            path: self._count(path, tokenizer) for path in self.paths
        }
        self.num_examples = sum(self.counts.values())

    def dataset(
        self,
        batch_size: int,
        *,
        shuffle: bool = False,
        seed: int = 0,
        fixed_shapes: bool = False,
    ) -> tf.data.Dataset:
        """Returns `(inputs, labels, weights)`, as `fit` takes them.

        Args:
            batch_size: int. Examples in a batch.
            shuffle: bool. Whether files are read interleaved, and examples
                shuffled, in another order each epoch.
            seed: int. Of the order.
            fixed_shapes: bool. Whether batches are whole and as long as the
                examples; else each is as long as its longest one.
        """
        files = tf.data.Dataset.from_tensor_slices(self.paths)
        if shuffle:
            files = files.shuffle(len(self.paths), seed=seed)
            records = files.interleave(
                tf.data.TFRecordDataset,
                cycle_length=min(_CYCLE, len(self.paths)),
            )
            records = records.shuffle(SHUFFLED, seed=seed + 1)
        else:
            records = files.flat_map(tf.data.TFRecordDataset)
        batches = records.batch(batch_size, drop_remainder=fixed_shapes)
        number = -(-self.num_examples // batch_size)
        if fixed_shapes:
            number = self.num_examples // batch_size
        options = tf.data.Options()
        options.experimental_distribute.auto_shard_policy = (
            tf.data.experimental.AutoShardPolicy.DATA
        )
        return (
            batches.map(lambda records: self._parsed(records, fixed_shapes))
            .apply(tf.data.experimental.assert_cardinality(number))
            .prefetch(8)
            .with_options(options)
        )

    def _parsed(self, records: tf.Tensor, fixed_shapes: bool) -> tuple:
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
        labels = {MASKED_LM: found[_HIDDEN]}
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
            if name in (_POSITIONS, _HIDDEN, _WEIGHTS):
                size = self._num_hidden
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
        names = [_IDS, _MASK, _POSITIONS, _HIDDEN, _WEIGHTS]
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
        self._num_hidden = len(feature[keys[_HIDDEN]].int64_list.value)
        return keys

    def _count(self, path: str, tokenizer: Tokenizer) -> int:
        """Returns the number of records in a file, all of them checked."""
        spec = self._spec()
        done = 0
        batch: list[bytes] = []
        for record in self._records(path):
            batch.append(record)
            if len(batch) == 1024:
                self._check(batch, spec, path, done, tokenizer)
                done += len(batch)
                batch = []
        if batch:
            self._check(batch, spec, path, done, tokenizer)
        return done + len(batch)

    def _check(self, batch, spec, path, done, tokenizer) -> None:
        try:
            found = tf.io.parse_example(batch, spec)
        except tf.errors.InvalidArgumentError:
            number = done + self._first_wrong(batch, spec)
            raise InputError(
                f"{path}, record {number + 1}: all examples must have the "
                f"keys of the first, and its lengths, {self.sequence_length} "
                f"and {self._num_hidden}. Received another. Make the examples "
                "again."
            ) from None
        for name in (_IDS, _HIDDEN):
            ids = found[self._keys[name]].numpy()
            wrong = np.argwhere((ids < 0) | (ids >= tokenizer.vocabulary_size))
            if wrong.size:
                raise InputError(
                    f"{path}, record {done + wrong[0, 0] + 1}: a token must "
                    f"be one of the vocabulary's {tokenizer.vocabulary_size}. "
                    f"Received: {ids[tuple(wrong[0])]}. Give the vocabulary "
                    "that the examples were made with."
                )
        weights = found[self._keys[_WEIGHTS]].numpy()
        hidden = found[self._keys[_HIDDEN]].numpy()[weights > 0]
        self.token_counts += np.bincount(
            hidden, minlength=len(self.token_counts)
        )

    def _first_wrong(self, batch, spec) -> int:
        for index, record in enumerate(batch):
            try:
                tf.io.parse_example([record], spec)
            except tf.errors.InvalidArgumentError:
                return index
        return 0

    def _records(self, path: str) -> Iterator[bytes]:
        number = 0
        try:
            for record in tf.data.TFRecordDataset(path).as_numpy_iterator():
                yield record
                number += 1
        except tf.errors.NotFoundError:
            raise FileNotFoundError(2, "No such file", path) from None
        except tf.errors.DataLossError:
            raise InputError(
                f"{path}, record {number + 1}: a TFRecord must be whole. "
                "Received one that is cut short or damaged there. Copy or "
                "make the file again."
            ) from None
