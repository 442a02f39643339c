"""Answers of a task model for raw texts."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator

import tensorflow as tf

from keras_bert_zoo import data
from keras_bert_zoo import features as names
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task.inputs import as_rows


def answer_function(model) -> Callable:
    """Returns a function from the encoder's inputs and context to answers.

    Its parts are traced once, for batches of any size and length. It takes
    `(inputs, context, batch_size)` and runs the model on `batch_size`
    sequences at a time, because a long text may become hundreds.
    """
    signature = {
        name: tf.TensorSpec((None, None), "int32") for name in model.input
    }
    run = tf.function(
        lambda inputs: model(inputs, training=False),
        input_signature=[signature],
        autograph=False,
    )
    decode = tf.function(
        model.head.decode_texts, reduce_retracing=True, autograph=False
    )

    def answer(inputs, context, batch_size):
        num_sequences = len(inputs[names.TOKEN_IDS])
        parts = [
            run({k: v[start : start + batch_size] for k, v in inputs.items()})
            for start in range(0, num_sequences, batch_size)
        ]
        logits = tf.nest.map_structure(lambda *rows: tf.concat(rows, 0), *parts)
        return decode(logits, context)

    return answer


def answer_texts(
    model, answer: Callable, texts: Iterable, batch_size: int
) -> Iterator[dict]:
    """Returns the head's answers, in the order of the texts.

    Holds some thousand answers at a time, however many texts there are.

    Args:
        model: `TaskModel`.
        answer: what `answer_function` returned for the model.
        texts: a list of examples, or re-iterable rows.
        batch_size: int. Texts in a batch; texts of like length share one.

    Raises:
        InputError: if these are no texts; or, before the first answer, if a
            row is wrong.
    """
    rows = as_rows(texts, None, model.head)
    if rows is None:
        raise InputError(
            "`predict_text` takes texts. Received: "
            f"{type(texts).__name__}. Call `predict` for features."
        )
    return _answer_rows(model, answer, rows, batch_size)


def _answer_rows(model, answer, rows, batch_size):
    if isinstance(rows, data.MemoryRows) and len(rows) == 0:
        return
    data.check_rows(rows, model.head, with_label=False)
    batches = data.build_prediction_dataset(
        rows,
        model.head,
        model.tokenizer,
        sequence_length=model.sequence_length,
        batch_size=batch_size,
    )
    waiting = {}
    place = 0
    for inputs, context, row_index in batches:
        decoded = answer(inputs, context, batch_size)
        decoded = {key: value.numpy() for key, value in decoded.items()}
        places = row_index.numpy().tolist()
        waiting.update(zip(places, model.head.answers(decoded)))
        while place in waiting:
            yield waiting.pop(place)
            place += 1
