"""Padded batches from chunks of examples, in graph ops.

Letters: `R` sequences in a chunk, `N` batches cut from it, `B` sequences in a
batch, `S` tokens in its longest, or its bucket length. An example is one
sequence or, where its head splits long texts, several.
"""

import json
import os
import weakref
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from keras_bert_zoo import feature_names
from keras_bert_zoo.data import buckets
from keras_bert_zoo.data.chunks import EXAMPLE_INDEX
from keras_bert_zoo.data.chunks import Chunks
from keras_bert_zoo.data.chunks import chunk_size
from keras_bert_zoo.data.chunks import column_specs
from keras_bert_zoo.data.examples import Example
from keras_bert_zoo.data.input_counts import InputCounts
from keras_bert_zoo.data.padding import padded_batch
from keras_bert_zoo.data.sequence_packing import pack_sequences
from keras_bert_zoo.data.sequence_packing import pack_with_exchange
from keras_bert_zoo.tokenization.packing import rows_of_lengths

# Keeps what a head draws apart from the order of batches, drawn from the same
# seed.
_FOR_HEADS = 1
_GROUP = "group"


def batches_of(
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
        sequence_length: int. Most tokens in a sequence.
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
    features_of = traced_features(head, tokenizer, sequence_length)

    # Converting all that they call to a graph's control flow takes seconds.
    @tf.autograph.experimental.do_not_convert
    def prepare(columns, seed, pass_number):
        columns = dict(columns)
        example_index = columns.pop(EXAMPLE_INDEX)
        if chunks.with_label:
            columns[feature_names.RANDOM_SEED] = tf.random.fold_in(
                seed, tf.constant(_FOR_HEADS, seed.dtype), alg="philox"
            )
        sequences = features_of(columns)
        token_ids = sequences.inputs[feature_names.TOKEN_IDS]
        lengths = token_ids.row_lengths()  # (R,)
        groups = group(lengths)  # (N, None)
        if chunks.shuffle:
            groups = buckets.shuffle_groups(groups, seed)
        layout = {}
        if packed_length is None:
            num_cells = buckets.num_padded_tokens(
                groups, lengths, bucket_lengths
            )
        else:
            pack = pack_with_exchange if chunks.shuffle else pack_sequences
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
            example_index = tf.gather(
                example_index, rows_of_lengths(sequences.num_sequences)
            )
        features = {
            "inputs": dict(sequences.inputs),
            EXAMPLE_INDEX: example_index,
        }
        if sequences.labels is not None:
            features["labels"] = sequences.labels
        if sequences.weights is not None:
            features["weights"] = sequences.weights
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


# Per head: the traces of data sets of different kinds, or of one that is read
# again, share what its features are made of.
_TRACED: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def traced_features(
    head: Any, tokenizer: Any, sequence_length: int
) -> Callable:
    """Returns `head.features` of columns, traced once for each of their types.

    A head whose config changes is traced anew; one without a config that can
    be compared, for each data set.

    Args:
        head: `TaskHead`.
        tokenizer: `Tokenizer`.
        sequence_length: int. Most tokens in a sequence.

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
        groups = buckets.group_by_size(lengths, batch_size)
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
