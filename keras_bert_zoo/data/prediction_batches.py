"""Batches of texts to answer, each with what its head decodes them by."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from keras_bert_zoo import feature_names
from keras_bert_zoo.data.batches import EXAMPLE_INDEX
from keras_bert_zoo.data.batches import Chunks
from keras_bert_zoo.data.batches import InputCounts
from keras_bert_zoo.data.batches import chunk_size
from keras_bert_zoo.data.batches import column_specs
from keras_bert_zoo.data.batches import group_by_size
from keras_bert_zoo.data.examples import Example
from keras_bert_zoo.tokenization.packing import rows_of_lengths


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
