"""Answers of a task model for raw texts."""

from collections.abc import Callable
from collections.abc import Iterable

import tensorflow as tf

from keras_bert_zoo import data


def answer_function(model) -> Callable:
    """Returns a traced function from the encoder's inputs to answers."""
    return tf.function(
        lambda inputs: model.head.decode(model(inputs, training=False)),
        reduce_retracing=True,
    )


def answer_rows(
    model, answer: Callable, rows: Iterable, batch_size: int
) -> list[dict]:
    """Returns the head's answers for rows, in their order.

    Args:
        model: `TaskModel`.
        answer: what `answer_function` returned for the model.
        rows: re-iterable rows of texts.
        batch_size: int. Texts in a batch; texts of like length share one.

    Raises:
        InputError: if a row is wrong.
    """
    if isinstance(rows, data.MemoryRows) and len(rows) == 0:
        return []
    num_rows = data.check_rows(rows, model.head, with_label=False).num_rows
    answers = [None] * num_rows
    batches = data.build_prediction_dataset(
        rows,
        model.head,
        model.tokenizer,
        sequence_length=model.sequence_length,
        batch_size=batch_size,
    )
    for inputs, row_index in batches:
        decoded = {key: value.numpy() for key, value in answer(inputs).items()}
        places = row_index.numpy().tolist()
        for place, found in zip(places, model.head.answers(decoded)):
            answers[place] = found
    return answers
