"""Batches of texts to answer, each with what its head decodes them by.

Of labelled examples with their labels, too, so that a single run of the model
gives both its answers and its losses.
"""

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
from keras_bert_zoo.data.batches import padded_batch
from keras_bert_zoo.data.examples import Example
from keras_bert_zoo.tokenization.packing import rows_of_lengths


class OtherInputsError(Exception):
    """A head reads other inputs to evaluate than to answer."""


class PredictionBatches:
    """Batches of examples with their numbers and context.

    Examples of like length share a batch, so batches do not follow the order of
    the examples: the numbers put answers back in place. What it runs is traced
    once, however often it is called. `batch_spec` and `context_spec` are the
    types of a batch and of its context.

    Args:
        head: `TaskHead`.
        features: function from a batch of examples to `Features`.
        tokenizer: `Tokenizer`.
        with_label: bool. Whether examples are labelled, and batches have
            labels, and weights where the head has some.
    """

    def __init__(
        self,
        head: Any,
        features: Callable,
        tokenizer: Any,
        with_label: bool = False,
    ):
        self._head = head
        self._features_of = features
        self._tokenizer = tokenizer
        self._with_label = with_label
        columns = column_specs(head.example_spec(with_label))
        self._prepare = tf.function(
            self._features,
            input_signature=[columns, tf.TensorSpec((), tf.int32)],
            autograph=False,
        )
        sequences, context, constants, groups, *_ = output_specs(self._prepare)
        self._assemble = tf.function(
            self._gather,
            input_signature=[
                sequences,
                context,
                tf.TensorSpec((None,), groups.dtype),
            ],
            autograph=False,
        )
        self.batch_spec, context = output_specs(self._assemble)
        self.context_spec = {**context, **constants}

    def __call__(
        self,
        examples: Iterable[Example],
        batch_size: int,
        counts: InputCounts | None = None,
    ) -> Iterator[tuple[dict, dict, tf.Tensor]]:
        """Yields `(batch, context, example_index)`.

        That is: a dict of the model's `inputs`, int32 `(B, S)` each, and
        perhaps `labels` and `weights`; what the head needs to
        decode whole examples, `num_sequences` among it where it splits texts;
        and int64 numbers of the examples, from 0. An example has all of its
        sequences in one batch.

        Args:
            examples: re-iterable examples.
            batch_size: int. Examples in a batch; the last may have fewer.
            counts: filled with examples and truncated ones, or `None`.

        Raises:
            InputError: if an example is wrong.
            OtherInputsError: if examples are labelled, and these would be
                other answers than those to the texts alone.
        """
        chunks = Chunks(
            examples,
            self._head,
            with_label=self._with_label,
            unit=batch_size,
            max_examples=chunk_size(batch_size),
        )
        for columns in chunks.in_order():
            example_index = columns.pop(EXAMPLE_INDEX)
            sequences, context, constants, groups, num_truncated, is_alike = (
                self._prepare(
                    {name: _tensor(values) for name, values in columns.items()},
                    tf.constant(batch_size),
                )
            )
            if not is_alike:
                raise OtherInputsError
            if counts is not None:
                counts.add(0, len(example_index), int(num_truncated), 0, 0)
            for group in groups:
                batch, part = self._assemble(sequences, context, group)
                yield batch, {**part, **constants}, example_index[group.numpy()]

    def _features(self, columns, batch_size):
        # What is decoded by must not follow from labels.
        fields = self._head.example_spec(with_label=False)
        sequences = self._features_of({name: columns[name] for name in fields})
        found = {"inputs": dict(sequences.inputs)}
        is_alike = tf.constant(True)
        if self._with_label:
            seed = tf.zeros([2], tf.int64)
            labelled = self._features_of(
                {**columns, feature_names.RANDOM_SEED: seed}
            )
            is_alike = _are_alike(
                (found["inputs"], sequences.num_sequences),
                (dict(labelled.inputs), labelled.num_sequences),
            )
            found["labels"] = labelled.labels
            if labelled.weights is not None:
                found["weights"] = labelled.weights
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
        return found, context, constants, groups, num_truncated, is_alike

    def _gather(self, features, context, group):
        sequences = group
        counts = context.get(feature_names.NUM_SEQUENCES)
        if counts is not None:
            ends = tf.gather(tf.cumsum(counts), group)
            starts = ends - tf.gather(counts, group)
            sequences = tf.ragged.range(starts, ends).flat_values
        batch = padded_batch(
            features,
            sequences,
            tokenizer=self._tokenizer,
            bucket_lengths=None,
            head=self._head,
        )
        context = tf.nest.map_structure(
            lambda tensor: tf.gather(tensor, group), context
        )
        return batch, context


def output_specs(function: Any) -> Any:
    """Returns the types of what a `tf.function` with a signature returns."""
    outputs = function.get_concrete_function().structured_outputs
    return tf.nest.map_structure(tf.type_spec_from_value, outputs)


def _are_alike(one: Any, other: Any) -> tf.Tensor:
    """Returns a bool: whether two structures hold the same tensors."""
    parts = [
        tf.nest.flatten(each, expand_composites=True) for each in (one, other)
    ]
    if len(parts[0]) != len(parts[1]):
        return tf.constant(False)
    equal = [
        tf.reduce_all(
            tf.raw_ops.Equal(x=x, y=y, incompatible_shape_error=False)
        )
        for x, y in zip(*parts)
        if x is not None
    ]
    return tf.reduce_all(tf.stack(equal))


def _tensor(values):
    if isinstance(values, tf.RaggedTensor):
        return values
    return tf.convert_to_tensor(values)
