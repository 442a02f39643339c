"""The input pipeline: examples in, padded batches of token ids out.

    examples -> Python, once per example: read, check, put into arrays
         -> tf.data, once per chunk of examples: tokenize, pack, group by length
         -> tf.data, once per batch: gather, pad

Batches hold texts of like length and are padded to their own longest one,
because real texts are much shorter than the encoder allows. Where few shapes
are wanted they are padded to the smallest of a few bucket lengths instead. Or
batches hold any texts, and several of them are packed into one sequence.

Letters: `R` sequences in a chunk, `N` batches cut from it, `B` sequences in a
batch, `S` tokens in its longest, or its bucket length.
"""

import itertools
import json
import os
import weakref
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from keras_bert_zoo import arguments
from keras_bert_zoo import feature_names
from keras_bert_zoo.data import sequence_packing
from keras_bert_zoo.data.batches import EXAMPLE_INDEX
from keras_bert_zoo.data.batches import MAX_CHUNK_EXAMPLES
from keras_bert_zoo.data.batches import Chunks
from keras_bert_zoo.data.batches import InputCounts
from keras_bert_zoo.data.batches import checked_bucket_lengths
from keras_bert_zoo.data.batches import chunk_size
from keras_bert_zoo.data.batches import group_by_size
from keras_bert_zoo.data.batches import group_by_tokens
from keras_bert_zoo.data.batches import num_padded_tokens
from keras_bert_zoo.data.batches import padded_batch
from keras_bert_zoo.data.batches import shuffle_groups
from keras_bert_zoo.data.examples import Example
from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.tokenization.packing import rows_of_lengths

_BATCHES_AHEAD = 8
# Among which texts of like length are found for a head that mixes lengths.
MIXED_BATCHES = 8
# Keeps what a head draws apart from the order of batches, drawn from the same
# seed.
_FOR_HEADS = 1
_GROUP = "group"


def build_dataset(
    examples: Iterable[Example],
    head: Any,
    tokenizer: Any,
    *,
    sequence_length: int,
    batch_size: int = 32,
    tokens_per_batch: int | None = None,
    shuffle: bool = False,
    seed: int | None = 0,
    drop_remainder: bool = False,
    bucket_lengths: Sequence[int] | None = None,
    packed_length: int | None = None,
    num_examples: int | None = None,
    counts: InputCounts | None = None,
    num_trials: int = 0,
    first_pass: int = 0,
    only_example_index: bool = False,
) -> tf.data.Dataset:
    """Returns batches of labelled examples for `fit` and `evaluate`.

    Within a chunk of 64 batches (of 8, where the head wants lengths mixed)
    examples are sorted by length and cut into batches; without `shuffle` these
    come shortest first. With `shuffle`,
    examples are mixed before that (all of them, up to 100,000) and batches
    after it. What a head draws at random comes from the seed too. Both differ
    from epoch to epoch, and the same seed gives the same batches, bit for bit.

    Args:
        examples: re-iterable examples, such as `FileExamples`.
        head: `TaskHead`.
        tokenizer: `Tokenizer`.
        sequence_length: int. Maximum number of tokens in a sequence; longer
            texts are truncated.
        batch_size: int. Examples in a batch; the last may have fewer.
        tokens_per_batch: int or `None`. Maximum number of tokens in a batch,
            padding included; `batch_size` is then ignored.
        shuffle: bool. Whether the order is random.
        seed: int, at least 0, or `None`, which makes all epochs alike.
        drop_remainder: bool. Whether the examples that do not fill a batch at
            the end are left out, so that every batch has `batch_size`. Where
            the head splits texts: at the end of each chunk.
        bucket_lengths: lengths that batches are padded to, each to the smallest
            that fits; rising, `sequence_length` the last. With `drop_remainder`
            there are as many shapes. `None`: each batch is padded to its
            longest sequence.
        packed_length: int or `None`. Packs sequences into some of about this
            many tokens: batches then hold sequences of any length, as the
            examples come, those packed together one after the other. A
            `TaskModel` runs its encoder on the packed sequences, each part
            as if it were alone.
        num_examples: int or `None`. Number of examples, as `check_examples`
            reports it: gives the data set its cardinality, unless the head
            splits texts or there is a token budget.
        counts: filled with truncated examples and padding, or `None`.
        num_trials: int. Passes that are like pass 0 and come before all
            others: to count batches, say.
        first_pass: int. The number of the pass after these. Order and draws
            are those of a data set that has been read so often.
        only_example_index: bool. Whether batches are not examples, but their
            examples' numbers from 0: they tell which answers are whose.

    Returns:
        `tf.data.Dataset` of `(inputs, labels)`, or of `(inputs, labels,
        weights)` where the head weighs examples. `inputs` is a dict of int32
        `(B, S)`: `padding_mask` and what the head made of the texts; with
        `packed_length` of int32 `(B,)`, too: `packed_index`, `packed_start`.
        With `only_example_index` of `(example_index,)`, int64 `(B,)`.

    Raises:
        InputError: if an argument is not as above. While the data set is
            read, a wrong example surfaces as a TensorFlow error that holds the
            message: call `check_examples` first.
    """
    batch_size = arguments.whole_number("batch_size", batch_size)
    arguments.whole_number("sequence_length", sequence_length)
    if bucket_lengths is not None:
        bucket_lengths = checked_bucket_lengths(bucket_lengths, sequence_length)
    if packed_length is not None:
        _check_packing(packed_length, bucket_lengths, tokens_per_batch)
    if seed is not None:
        seed = arguments.whole_number("seed", seed, lowest=0, highest=2**63 - 1)
    if tokens_per_batch is None:
        unit, max_examples = batch_size, chunk_size(batch_size)
    else:
        _check_budget(tokens_per_batch, sequence_length, drop_remainder)
        unit, max_examples = 1, MAX_CHUNK_EXAMPLES

    pool = None
    if shuffle and head.mixes_lengths:
        pool = MIXED_BATCHES * batch_size

    def group(lengths):
        if packed_length is not None:
            return sequence_packing.in_order(
                lengths, batch_size, drop_remainder
            )
        if tokens_per_batch is None:
            return group_by_size(lengths, batch_size, drop_remainder, pool)
        return group_by_tokens(lengths, tokens_per_batch)

    dataset = _batches_of(
        Chunks(
            examples,
            head,
            with_label=True,
            unit=unit,
            max_examples=max_examples,
            shuffle=shuffle,
            seed=seed,
        ),
        tokenizer,
        sequence_length,
        group,
        counts,
        num_trials,
        first_pass,
        bucket_lengths,
        packed_length,
    ).map(_example_index if only_example_index else _for_training)
    if drop_remainder:
        plain = tf.autograph.experimental.do_not_convert
        dataset = dataset.map(
            plain(lambda *batch: _with_size(batch, batch_size))
        )
    is_counted = tokens_per_batch is None and not head.splits_texts
    if num_examples is not None and is_counted:
        num_batches = (
            num_examples // batch_size
            if drop_remainder
            else -(-num_examples // batch_size)
        )
        dataset = dataset.apply(
            tf.data.experimental.assert_cardinality(num_batches)
        )
    return _prefetched(dataset)


def _batches_of(
    chunks: Chunks,
    tokenizer: Any,
    sequence_length: int,
    group: Callable,
    counts: InputCounts | None,
    num_trials: int = 0,
    first_pass: int = 0,
    bucket_lengths: Sequence[int] | None = None,
    packed_length: int | None = None,
) -> tf.data.Dataset:
    """Tokenizes chunks and cuts them into padded batches.

    Args:
        chunks: `Chunks`.
        tokenizer: `Tokenizer`.
        sequence_length: int. Maximum number of tokens in a sequence.
        group: function from lengths int64 `(R,)` to the batches' sequences, a
            `RaggedTensor` `(N, None)`.
        counts: filled with truncated examples and padding, or `None`.
        num_trials, first_pass: int. See `Chunks.dataset`.
        bucket_lengths: what batches are padded to, rising to `sequence_length`;
            each batch to its longest sequence if `None`.
        packed_length: int. About how many tokens a packed sequence has, or
            `None`.

    Returns:
        `tf.data.Dataset` of dicts: `inputs` (dict of int32 `(B, S)` and, where
        sequences are packed, their positions), `example_index` int64 `(B,)`,
        and `labels` and `weights` where the head gives them.
    """
    head = chunks.head
    features_of = _traced_features(head, tokenizer, sequence_length)

    # Converting all that they call to a graph's control flow takes seconds.
    @tf.autograph.experimental.do_not_convert
    def prepare(columns, seed, pass_number):
        columns = dict(columns)
        example_index = columns.pop(EXAMPLE_INDEX)
        sample_weight = columns.pop(feature_names.SAMPLE_WEIGHT, None)
        if chunks.with_label:
            columns[feature_names.RANDOM_SEED] = tf.random.fold_in(
                seed, tf.constant(_FOR_HEADS, seed.dtype), alg="philox"
            )
        sequences = features_of(columns)
        token_ids = sequences.inputs[feature_names.TOKEN_IDS]
        lengths = token_ids.row_lengths()  # (R,)
        groups = group(lengths)  # (N, None)
        if chunks.shuffle:
            groups = shuffle_groups(groups, seed)
        layout = {}
        if packed_length is None:
            num_cells = num_padded_tokens(groups, lengths, bucket_lengths)
        else:
            pack = (
                sequence_packing.pack_with_exchange
                if chunks.shuffle
                else sequence_packing.pack_sequences
            )
            groups, layout, num_cells = pack(groups, lengths, packed_length)
        if counts is not None:
            groups = _counted(
                groups,
                lengths,
                num_cells,
                sequences.num_truncated,
                pass_number,
                counts,
            )
        if sequences.num_sequences is not None:
            rows = rows_of_lengths(sequences.num_sequences)
            example_index = tf.gather(example_index, rows)
            if sample_weight is not None:
                sample_weight = tf.gather(sample_weight, rows)
        features = {
            "inputs": dict(sequences.inputs),
            EXAMPLE_INDEX: example_index,
        }
        if sequences.labels is not None:
            features["labels"] = sequences.labels
        weights = sequences.weights
        if sample_weight is not None:
            weights = _weighted(sequences, sample_weight)
        if weights is not None:
            features["weights"] = weights
        return features, {_GROUP: groups, **layout}

    @tf.autograph.experimental.do_not_convert
    def cut(features, groups):
        @tf.autograph.experimental.do_not_convert
        def assemble(layout):
            batch = padded_batch(
                features,
                layout.pop(_GROUP),
                tokenizer=tokenizer,
                bucket_lengths=bucket_lengths,
                head=head,
            )
            batch["inputs"] |= layout
            return batch

        return tf.data.Dataset.from_tensor_slices(groups).map(assemble)

    return (
        chunks.dataset(num_trials, first_pass)
        .map(prepare, num_parallel_calls=_chunks_at_once(), deterministic=True)
        .flat_map(cut)
    )


def _weighted(sequences: Any, sample_weight: tf.Tensor) -> Any:
    """Returns the weights of sequences, times what each example counts.

    Args:
        sequences: `Features` of `R` sequences.
        sample_weight: float32 `(R,)`.
    """
    if sequences.weights is None:
        return tf.nest.map_structure(lambda _: sample_weight, sequences.labels)

    def times(weights):
        missing = len(weights.shape) - 1
        return weights * tf.reshape(sample_weight, [-1, *[1] * missing])

    return tf.nest.map_structure(times, sequences.weights)


# Per head: the traces of data sets of different kinds, or of one that is read
# again, share what its features are made of.
_TRACED: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def _traced_features(
    head: Any, tokenizer: Any, sequence_length: int
) -> Callable:
    """Returns `head.features` of columns, traced once for each of their types.

    A head whose config changes is traced anew; one without a config that can
    be compared, for each data set.

    Args:
        head: `TaskHead`.
        tokenizer: `Tokenizer`.
        sequence_length: int. Maximum number of tokens in a sequence.

    Returns:
        Function from a dict of columns, tensors `(R, ...)`, to `Features`.
    """
    this = weakref.ref(head)
    function = tf.function(
        lambda columns: this().features(columns, tokenizer, sequence_length),
        autograph=False,
    )
    try:
        config = json.dumps(head.get_config(), sort_keys=True)
    # A head that is only trained may have no config, or none for JSON.
    except (NotImplementedError, TypeError):
        return function
    traced = _TRACED.setdefault(head, {})
    key = config, sequence_length
    if key not in traced or traced[key][0] is not tokenizer:
        traced[key] = tokenizer, function
    return traced[key][1]


def _chunks_at_once():
    """Returns the number of chunks that are tokenized in parallel."""
    return max(1, min((os.cpu_count() or 1) // 4, 4))


def _counted(groups, lengths, num_cells, num_truncated, pass_number, counts):
    def add(*numbers):
        counts.add(*numbers)
        return numbers[0]

    done = tf.numpy_function(
        add,
        [
            pass_number,
            tf.size(lengths, out_type=tf.int64),
            tf.math.count_nonzero(num_truncated),
            tf.reduce_sum(tf.gather(lengths, groups)),
            num_cells,
        ],
        tf.int64,
    )
    with tf.control_dependencies([done]):
        return tf.identity(groups)


@tf.autograph.experimental.do_not_convert
def _for_training(batch: dict) -> tuple:
    parts = (batch["inputs"], batch["labels"])
    return (*parts, batch["weights"]) if "weights" in batch else parts


@tf.autograph.experimental.do_not_convert
def _example_index(batch: dict) -> tuple:
    return (batch[EXAMPLE_INDEX],)


def _with_size(batch: tuple, batch_size: int) -> tuple:
    return tf.nest.map_structure(
        lambda tensor: tf.ensure_shape(tensor, (batch_size, *tensor.shape[1:])),
        batch,
    )


def _prefetched(dataset: tf.data.Dataset) -> tf.data.Dataset:
    options = tf.data.Options()
    options.deterministic = True
    # It wakes up 10, 30, 70 ... ms after the first batch, and the end of a pass
    # may have to wait until it does, up to a minute.
    options.autotune.enabled = False
    # There is nothing to fuse here, and to look for it takes up to 0.2 s.
    options.experimental_optimization.apply_default_optimizations = False
    # Each worker takes its part of every batch.
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    return dataset.prefetch(_BATCHES_AHEAD).with_options(options)


def _check_packing(packed_length, bucket_lengths, tokens_per_batch) -> None:
    arguments.whole_number("packed_length", packed_length)
    if bucket_lengths is not None or tokens_per_batch is not None:
        other = (
            f"bucket_lengths={bucket_lengths}"
            if bucket_lengths is not None
            else f"tokens_per_batch={tokens_per_batch}"
        )
        raise InputError(
            "`packed_length` goes with neither `bucket_lengths` nor "
            f"`tokens_per_batch`. Received: packed_length={packed_length} and "
            f"{other}. Leave one of them out."
        )


def _check_budget(
    tokens_per_batch: int, sequence_length: int, drop_remainder: bool
) -> None:
    arguments.whole_number("tokens_per_batch", tokens_per_batch)
    if tokens_per_batch < sequence_length:
        raise InputError(
            "`tokens_per_batch` must be at least `sequence_length`, so that "
            "each text fits. Received: "
            f"tokens_per_batch={tokens_per_batch}, "
            f"sequence_length={sequence_length}. Raise the first or lower "
            "the second."
        )
    if drop_remainder:
        raise InputError(
            "Batches under `tokens_per_batch` differ in size, so there is no "
            "remainder to drop. Received: drop_remainder=True. Leave it out, "
            "or give `batch_size`."
        )


class BatchExamples:
    """Finds the examples of a batch by reading the pipeline once more.

    The same seed gives the same batches, so nothing has to be kept while
    the model is trained.

    Args:
        model: `TaskModel`.
        examples: that it was trained on.
        **options: of `build_dataset`, as they were for `fit`.
    """

    def __init__(self, model: Any, examples: Examples, **options):
        self._model = model
        self._examples = examples
        self._options = options

    def origins(self, start: int, stop: int) -> list[str]:
        """Returns where the examples stand, such as `train.tsv:17`, in order.

        Args:
            start, stop: int. The steps, from 0 at the beginning of `fit`;
                the last is exclusive.
        """
        batches = build_dataset(
            self._examples,
            self._model.head,
            self._model.tokenizer,
            sequence_length=self._model.sequence_length,
            only_example_index=True,
            **self._options,
        ).repeat()
        indices = set()
        for (example_index,) in batches.skip(start).take(stop - start):
            indices.update(example_index.numpy().tolist())
        last = max(indices, default=-1) + 1
        return [
            example.origin
            for index, example in enumerate(
                itertools.islice(self._examples, last)
            )
            if index in indices
        ]
