"""Padded batches from windows of rows, in graph ops.

Letters: `R` sequences in a window, `N` batches cut from it, `B` sequences in a
batch, `S` tokens in its longest. A row is one sequence or, where its head
splits long texts, several.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from keras_bert_zoo import features as names
from keras_bert_zoo.data import length_groups
from keras_bert_zoo.data.input_counts import InputCounts
from keras_bert_zoo.data.windows import ROW_INDEX
from keras_bert_zoo.data.windows import Windows
from keras_bert_zoo.tokenization.packing import pad


def batches_of(
    windows: Windows,
    tokenizer: Any,
    sequence_length: int,
    group: Callable,
    counts: InputCounts | None,
) -> tf.data.Dataset:
    """Tokenizes windows and cuts them into padded batches.

    Args:
        windows: `Windows`.
        tokenizer: `BertTokenizer`.
        sequence_length: int. Most tokens in a sequence.
        group: function from lengths int64 `(R,)` to the batches' rows, a
            `RaggedTensor` `(N, None)`.
        counts: filled with truncated examples and padding, or `None`.

    Returns:
        `tf.data.Dataset` of dicts: `inputs` (dict of int32 `(B, S)`),
        `row_index` int64 `(B,)`, and `labels` and `weights` where the head
        gives them.
    """
    head = windows.head
    padding_id = tokenizer.vocabulary.padding_id

    def prepare(columns, seed, pass_number):
        columns = dict(columns)
        row_index = columns.pop(ROW_INDEX)
        found = head.features(columns, tokenizer, sequence_length)
        lengths = found.inputs[names.TOKEN_IDS].row_lengths()  # (R,)
        groups = group(lengths)  # (N, None)
        if windows.seed is not None:
            groups = length_groups.shuffle_groups(groups, seed)
        if counts is not None:
            groups = _counted(
                groups, lengths, found.num_truncated, pass_number, counts
            )
        if found.num_sequences is not None:
            row_index = tf.repeat(row_index, found.num_sequences)
        features = {"inputs": dict(found.inputs), ROW_INDEX: row_index}
        if found.labels is not None:
            features["labels"] = found.labels
        if found.weights is not None:
            features["weights"] = found.weights
        return features, groups

    def cut(features, groups):
        batches = tf.data.Dataset.from_tensor_slices(groups)
        return batches.map(lambda group: _assemble(features, group, padding_id))

    return (
        windows.dataset()
        .map(prepare, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .flat_map(cut)
    )


def whole_rows_of(
    windows: Windows,
    tokenizer: Any,
    sequence_length: int,
    group: Callable,
) -> tf.data.Dataset:
    """As `batches_of` without labels, with all sequences of a row together.

    Args:
        windows: `Windows`.
        tokenizer: `BertTokenizer`.
        sequence_length: int. Most tokens in a sequence.
        group: function from the rows' lengths int64, all of their sequences
            together, to the batches' rows, a `RaggedTensor` `(N, None)`.

    Returns:
        `tf.data.Dataset` of dicts: `inputs` (dict of int32 `(B, S)`);
        `context`, the head's own and, where it splits texts,
        `num_sequences`; and `row_index` int64, one for each row.
    """
    head = windows.head
    padding_id = tokenizer.vocabulary.padding_id

    def prepare(columns, _, __):
        columns = dict(columns)
        row_index = columns.pop(ROW_INDEX)
        found = head.features(columns, tokenizer, sequence_length)
        lengths = found.inputs[names.TOKEN_IDS].row_lengths()
        if found.num_sequences is not None:
            lengths = tf.reduce_sum(
                tf.RaggedTensor.from_row_lengths(lengths, found.num_sequences),
                axis=1,
            )
        rows = {"context": found.decoding_context(), ROW_INDEX: row_index}
        return dict(found.inputs), rows, group(lengths)

    def cut(inputs, rows, groups):
        batches = tf.data.Dataset.from_tensor_slices(groups)
        return batches.map(
            lambda group: _assemble_rows(inputs, rows, group, padding_id)
        )

    return (
        windows.dataset()
        .map(prepare, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .flat_map(cut)
    )


def _assemble_rows(
    inputs: dict, rows: dict, group: tf.Tensor, padding_id: int
) -> dict:
    sequences = group
    counts = rows["context"].get(names.NUM_SEQUENCES)
    if counts is not None:
        ends = tf.cumsum(counts)
        own = tf.gather(ends, group), tf.gather(counts, group)
        sequences = tf.ragged.range(own[0] - own[1], own[0]).flat_values
    chosen = tf.nest.map_structure(
        lambda tensor: tf.gather(tensor, sequences), inputs
    )
    rows = tf.nest.map_structure(lambda tensor: tf.gather(tensor, group), rows)
    return {**rows, "inputs": pad(chosen, padding_id=padding_id)}


def _assemble(features: dict, group: tf.Tensor, padding_id: int) -> dict:
    batch = tf.nest.map_structure(
        lambda tensor: tf.gather(tensor, group), features
    )
    inputs = pad(batch.pop("inputs"), padding_id=padding_id)
    length = tf.shape(inputs[names.TOKEN_IDS])[1]
    batch = tf.nest.map_structure(lambda tensor: _dense(tensor, length), batch)
    return {**batch, "inputs": inputs}


def _dense(tensor, length):
    # Labels and weights of single tokens are as long as the inputs.
    if isinstance(tensor, tf.RaggedTensor):
        return tensor.to_tensor(shape=tf.stack([-1, length]))
    return tensor


def _counted(groups, lengths, num_truncated, pass_number, counts):
    def add(*numbers):
        counts.add(*numbers)
        return numbers[0]

    done = tf.numpy_function(
        add,
        [
            pass_number,
            tf.size(lengths, out_type=tf.int64),
            tf.math.count_nonzero(num_truncated),
            tf.reduce_sum(lengths),
            length_groups.num_padded_tokens(groups, lengths),
        ],
        tf.int64,
    )
    with tf.control_dependencies([done]):
        return tf.identity(groups)
