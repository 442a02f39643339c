"""The features of several heads as one batch."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from keras_bert_zoo import feature_names
from keras_bert_zoo.task import Features
from keras_bert_zoo.task import TaskHead
from task_heads.multi_task import fields


def joint_features(
    heads: Mapping[str, TaskHead],
    examples: Mapping[str, Any],
    tokenizer,
    sequence_length: int,
) -> Features:
    """Returns the features of all heads of a batch; see `TaskHead.features`.

    Where a head splits long texts, its sequences are those of all heads. A
    head that reads whole texts learns from the first of each.

    Args:
        heads: heads by task, those that split texts first.
        examples: the batch, by the names that `fields.joined` gives.
        tokenizer: as in `TaskHead.features`.
        sequence_length: int.
    """
    by_task = {
        task: head.features(
            fields.of_task(examples, task, head), tokenizer, sequence_length
        )
        for task, head in heads.items()
    }
    first = next(iter(by_task.values()))
    labels = weights = None
    if all(features.labels is not None for features in by_task.values()):
        labels, weights = {}, {}
        for task, head in heads.items():
            task_labels, task_weights = _targets(by_task[task], first)
            labels |= fields.by_output(task, head, task_labels)
            weights |= fields.by_output(task, head, task_weights)
    return Features(
        first.inputs,
        labels,
        weights,
        first.num_truncated,
        first.num_sequences,
        _joined(by_task, "context"),
        _joined(by_task, "constants"),
    )


def of_first_sequences(logits: Any, num_sequences) -> Any:
    """Returns the logits of the first sequence of each text.

    Args:
        logits: tensors `(R, ...)`.
        num_sequences: int64 `(B,)`, or `None` where each text is one.
    """
    if num_sequences is None:
        return logits
    starts = tf.cumsum(num_sequences, exclusive=True)
    return tf.nest.map_structure(lambda rows: tf.gather(rows, starts), logits)


def _targets(features: Features, first: Features) -> tuple:
    """Returns a head's labels, and weights like them, for all sequences."""
    labels, weights = features.labels, features.weights
    if weights is None:
        rows = tf.nest.flatten(labels)[0]
        count = rows.nrows() if _is_ragged(rows) else tf.shape(rows)[0]
        weights = tf.ones([count])
    if features.num_sequences is None and first.num_sequences is not None:
        counts = first.num_sequences
        texts = tf.repeat(tf.range(tf.size(counts)), counts)
        starts = tf.cumsum(counts, exclusive=True)
        of_text = tf.ones_like(starts, tf.float32)
        is_first = tf.scatter_nd(
            starts[:, None], of_text, tf.size(texts, tf.int64)[None]
        )
        # Losses are means over sequences: so that texts weigh what they do
        # where none is split.
        scale = tf.cast(tf.size(texts), tf.float32) / tf.cast(
            tf.maximum(tf.size(counts), 1), tf.float32
        )
        labels = tf.nest.map_structure(lambda x: tf.gather(x, texts), labels)
        weights = tf.nest.map_structure(
            lambda x: tf.gather(x, texts) * is_first * scale, weights
        )
    return labels, weights


def _is_ragged(value: Any) -> bool:
    return isinstance(value, tf.RaggedTensor)


def _joined(found: Mapping[str, Features], part: str) -> dict:
    return {
        f"{task}/{name}": value
        for task, features in found.items()
        for name, value in (getattr(features, part) or {}).items()
    }


def context_of(task: str, context: Mapping[str, Any], splits: bool) -> dict:
    """Returns the part of a decoding context that belongs to a task.

    Args:
        task: str.
        context: what `joint_features` put together.
        splits: bool. Whether the task's head splits texts.
    """
    prefix = f"{task}/"
    of_task = {
        name.removeprefix(prefix): value
        for name, value in context.items()
        if name.startswith(prefix)
    }
    if splits:
        of_task[feature_names.NUM_SEQUENCES] = context[
            feature_names.NUM_SEQUENCES
        ]
    return of_task
