"""Answers of a task model for raw texts."""

from collections.abc import Iterable
from collections.abc import Iterator

import tensorflow as tf

from keras_bert_zoo import arguments
from keras_bert_zoo import data
from keras_bert_zoo import feature_names
from keras_bert_zoo.data.batches import output_specs
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task.rows import as_rows
from keras_bert_zoo.task.truncation import report_truncation


class TextAnswers:
    """Answers texts; each of its parts is traced once.

    Args:
        model: `TaskModel`.
    """

    def __init__(self, model):
        self._head = model.head
        self._sequence_length = model.sequence_length
        self._batches = data.PredictionBatches(
            model.head, model.tokenizer, model.sequence_length
        )
        signature = {
            name: tf.TensorSpec((None, None), "int32") for name in model.input
        }
        self._run = tf.function(
            lambda inputs: model(inputs, training=False),
            input_signature=[signature],
            autograph=False,
        )
        self._decode = tf.function(
            model.head.decode_texts,
            input_signature=[
                output_specs(self._run),
                self._batches.context_spec,
            ],
            autograph=False,
        )

    def __call__(self, texts: Iterable, batch_size: int) -> Iterator[dict]:
        """Returns the head's answers, in the order of the texts.

        Holds some thousand answers at a time, however many texts there are.
        Logs after the last how many texts were too long and lost their ends.

        Args:
            texts: a list of examples, or re-iterable rows.
            batch_size: int. Texts in a batch; texts of like length share one.

        Raises:
            InputError: if these are no texts; or, before the first answer,
                if a row is wrong.
        """
        rows = as_rows(texts, None, self._head)
        if rows is None:
            raise InputError(
                "`predict_text` takes texts. Received: "
                f"{type(texts).__name__}. Call `predict` for features."
            )
        batch_size = arguments.whole_number("batch_size", batch_size)
        return self._answers(rows, batch_size)

    def _answers(self, rows, batch_size):
        if isinstance(rows, data.MemoryRows) and len(rows) == 0:
            return
        data.check_rows(rows, self._head, with_label=False)
        waiting = {}
        place = 0
        counts = data.InputCounts()
        batches = self._batches(rows, batch_size, counts)
        for inputs, context, row_index in batches:
            logits = self._logits(inputs, batch_size)
            decoded = self._decode(logits, context)
            decoded = {key: value.numpy() for key, value in decoded.items()}
            answers = self._head.answers(decoded)
            waiting.update(zip(row_index.tolist(), answers, strict=True))
            while place in waiting:
                yield waiting.pop(place)
                place += 1
        report_truncation(counts, self._head, self._sequence_length)

    def _logits(self, inputs, batch_size):
        # A long text may be hundreds of sequences: not all at once.
        num_sequences = len(inputs[feature_names.TOKEN_IDS])
        parts = [
            self._run(
                {k: v[start : start + batch_size] for k, v in inputs.items()}
            )
            for start in range(0, num_sequences, batch_size)
        ]
        if len(parts) == 1:
            return parts[0]
        return tf.nest.map_structure(lambda *rows: tf.concat(rows, 0), *parts)
