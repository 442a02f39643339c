"""Answers of a task model for raw texts."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator

import tensorflow as tf

from keras_bert_zoo import data


def answer_function(model) -> Callable:
    """Returns a traced function from the encoder's inputs to answers.

    It is traced once, for batches of any size and length.
    """
    signature = {
        name: tf.TensorSpec((None, None), "int32") for name in model.input
    }
    return tf.function(
        lambda inputs: model.head.decode(model(inputs, training=False)),
        input_signature=[signature],
    )


def answer_rows(
    model, answer: Callable, rows: Iterable, batch_size: int
) -> Iterator[dict]:
    """Yields the head's answers for rows, in their order.

    Holds some thousand answers at a time, however many rows there are.

    Args:
        model: `TaskModel`.
        answer: what `answer_function` returned for the model.
        rows: re-iterable rows of texts.
        batch_size: int. Texts in a batch; texts of like length share one.

    Raises:
        InputError: if a row is wrong, before the first answer.
    """
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
    for inputs, row_index in batches:
        decoded = {key: value.numpy() for key, value in answer(inputs).items()}
        places = row_index.numpy().tolist()
        waiting.update(zip(places, model.head.answers(decoded)))
        while place in waiting:
            yield waiting.pop(place)
            place += 1
