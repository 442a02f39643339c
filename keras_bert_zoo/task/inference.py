"""From texts to answers: features, padding, encoder, head, decoding.

One path for everyone: `predict_text` and scores, exports and their
verification, the checks for authors of heads.
"""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from absl import logging

from keras_bert_zoo import arguments
from keras_bert_zoo import data
from keras_bert_zoo import feature_names
from keras_bert_zoo.data.batches import EXAMPLE_INDEX
from keras_bert_zoo.data.batches import Chunks
from keras_bert_zoo.data.prediction_batches import output_specs
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task.head import Features
from keras_bert_zoo.task.head import TaskHead


class Inference:
    """The steps from a batch of texts to answers, in TensorFlow ops.

    Calling it with the head's text fields, string `(B,)` each, runs all of
    them and returns the head's answers. It runs eagerly and in a graph.

    Args:
        model: `TaskModel`.
        tokenizer: `Tokenizer`, or `None` for the model's own.
    """

    def __init__(self, model: Any, tokenizer: Any = None):
        self.model = model
        self.head = model.head
        self.tokenizer = tokenizer or model.tokenizer

    def __call__(self, **texts: tf.Tensor) -> dict[str, tf.Tensor]:
        features = self.features(texts)
        logits = self.logits(_not_empty(self.pad(features.inputs)))
        return self.decode(logits, features.decoding_context())

    def features(
        self, examples: Mapping[str, Any], sequence_length: int | None = None
    ) -> Features:
        """Returns the examples as sequences of tokens.

        Args:
            examples: the head's fields, a tensor each.
            sequence_length: int, or `None` for the model's.
        """
        return self.head.features(
            examples,
            self.tokenizer,
            sequence_length or self.model.sequence_length,
        )

    def pad(
        self,
        inputs: Mapping[str, Any],
        sequence_length: int | None = None,
        extra_length: int | None = None,
    ) -> dict[str, tf.Tensor]:
        """Returns the inputs of features as the model reads them.

        Args:
            inputs: `Features.inputs`.
            sequence_length: int, or `None` for the longest of the batch.
            extra_length: int or `None`. The same for the head's own inputs.
        """
        return self.tokenizer.pad(
            inputs,
            sequence_length,
            extra_length=extra_length,
            extra=[info.name for info in self.head.token_inputs()],
        )

    def logits(self, inputs: Mapping[str, tf.Tensor]) -> Any:
        """Returns what the model makes of padded inputs."""
        return self.model(inputs, training=False)

    def decode(self, logits: Any, context: Mapping[str, Any]) -> dict:
        """Returns the head's answers, tensors by name.

        Args:
            logits: the model's outputs.
            context: `Features.decoding_context()`.
        """
        return self.head.decode_texts(logits, context)


def _not_empty(inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    # A batch of no texts has no longest one: give it a column all the same,
    # because the pooler reads the first.
    missing = tf.cast(
        tf.shape(inputs[feature_names.TOKEN_IDS])[1] == 0, tf.int32
    )
    paddings = [[0, 0], [0, missing]]
    return {name: tf.pad(value, paddings) for name, value in inputs.items()}


class TextAnswers:
    """Answers any number of texts; each step is traced once.

    Args:
        model: `TaskModel`.
        measures: bool. Whether texts are labelled, and the model's metrics
            count what it makes of each batch, as in `evaluate`.
    """

    def __init__(self, model: Any, measures: bool = False):
        self._inference = inference = Inference(model)
        self._head = model.head
        self._sequence_length = model.sequence_length
        self._with_label = measures
        self._batches = data.PredictionBatches(
            model.head, inference.features, inference.tokenizer, measures
        )
        spec = {
            **self._batches.batch_spec,
            "inputs": {
                name: tf.TensorSpec((None, None), "int32")
                for name in model.input
            },
        }

        def run(batch):
            if not measures:
                return inference.logits(batch["inputs"])
            return step.test(_in_order(batch))

        step = model.step(_in_order(spec)) if measures else None
        self._run = tf.function(run, input_signature=[spec], autograph=False)
        self._decode = tf.function(
            inference.decode,
            input_signature=[
                output_specs(self._run),
                self._batches.context_spec,
            ],
            autograph=False,
        )

    def __call__(
        self,
        texts: Iterable,
        batch_size: int,
        columns: Mapping[str, str] | None = None,
        on_batch: Callable[[int], None] | None = None,
    ) -> Iterator[dict]:
        """Returns the head's answers, in the order of the texts.

        Holds some thousand answers at a time, however many texts there are.
        Warns after the last if texts were too long and were truncated.

        Args:
            texts: a list of texts, or a data set such as `FileExamples`.
            batch_size: int. Texts in a batch; texts of similar length share
                one.
            columns: of a table: see `data.as_examples`.
            on_batch: see `TaskModel.iterate_answers`.

        Raises:
            InputError: if these are no texts; or, before the first answer,
                if an example is wrong.
        """
        examples = self._examples(texts, columns)
        batch_size = arguments.whole_number("batch_size", batch_size)
        on_batch = on_batch or (lambda num_done: None)
        return self._answers(examples, batch_size, on_batch)

    def features(
        self, texts: Any, columns: Mapping[str, str] | None = None
    ) -> dict[str, tf.Tensor]:
        """Returns the model's inputs for texts; see `TaskModel.encode`."""
        examples = self._examples(texts, columns)
        report = data.check_examples(examples, self._head, with_label=False)
        chunks = Chunks(
            examples,
            self._head,
            with_label=False,
            unit=1,
            max_examples=report.num_examples,
        )
        parts = []
        for fields in chunks.in_order():
            del fields[EXAMPLE_INDEX]
            parts.append(self._inference.features(fields).inputs)
        return self._inference.pad(
            {name: tf.concat([p[name] for p in parts], 0) for name in parts[0]}
        )

    def _examples(self, texts, columns):
        examples = data.as_examples(
            data.settled(texts),
            None,
            self._head,
            columns=columns,
            with_label=False,
        )
        if examples is None:
            raise InputError(
                "Texts are taken here. Received: "
                f"{type(texts).__name__}. Call `predict` for features."
            )
        return examples

    def _answers(self, examples, batch_size, on_batch):
        if isinstance(examples, data.MemoryExamples) and len(examples) == 0:
            return
        data.check_examples(examples, self._head, self._with_label)
        waiting = {}
        index = num_done = 0
        on_batch(num_done)
        counts = data.InputCounts()
        batches = self._batches(examples, batch_size, counts)
        for batch, context, example_index in batches:
            logits = self._logits(batch, batch_size)
            decoded = self._decode(logits, context)
            decoded = {key: value.numpy() for key, value in decoded.items()}
            answers = self._head.answers(decoded)
            waiting.update(zip(example_index.tolist(), answers, strict=True))
            num_done += len(answers)
            on_batch(num_done)
            while index in waiting:
                yield waiting.pop(index)
                index += 1
        report_truncation(counts, self._head, self._sequence_length)

    def _logits(self, batch, batch_size):
        # A long text may be hundreds of sequences: not all at once.
        num_sequences = len(batch["inputs"][feature_names.TOKEN_IDS])
        parts = [
            self._run(
                tf.nest.map_structure(
                    lambda rows, first=start: rows[first : first + batch_size],
                    batch,
                )
            )
            for start in range(0, num_sequences, batch_size)
        ]
        if len(parts) == 1:
            return parts[0]
        return tf.nest.map_structure(lambda *rows: tf.concat(rows, 0), *parts)


def _in_order(batch: Mapping[str, Any]) -> tuple:
    """Returns `(x, y, sample_weight)`, as Keras names them."""
    return batch["inputs"], batch["labels"], batch.get("weights")


def truncation(
    counts: data.InputCounts, head: TaskHead, sequence_length: int
) -> str:
    """Returns how many texts were truncated, and what that means here."""
    which = head.truncated.format(length=sequence_length)
    return f"{counts.num_truncated} of {counts.num_examples} {which}"


def report_truncation(
    counts: data.InputCounts, head: TaskHead, sequence_length: int
) -> None:
    """Warns if texts were truncated."""
    if counts.num_truncated:
        logging.warning(
            "Truncated: %s.", truncation(counts, head, sequence_length)
        )
