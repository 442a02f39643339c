"""One batch of a chunk, padded, in graph ops.

Letters: `B` sequences in a batch, `S` tokens in its longest, or more where
bucket lengths are given.
"""

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from keras_bert_zoo import feature_names
from keras_bert_zoo.data.buckets import bucket_indices
from keras_bert_zoo.tokenization.packing import pad_to


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
