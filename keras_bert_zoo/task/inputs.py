"""What Keras is given for what `TaskModel` takes: texts, rows, tensors."""

import math
from typing import Any

import keras
import tensorflow as tf
from absl import logging

from keras_bert_zoo import data
from keras_bert_zoo.arguments import whole_number
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task import fixed_shapes
from keras_bert_zoo.task.rows import as_rows
from keras_bert_zoo.task.rows import validation_rows


def fit_arguments(
    model,
    x: Any,
    y: Any,
    batch_size: int,
    counts: data.InputCounts,
    num_done: int | None = None,
    **options,
) -> dict:
    """Returns what Keras' `fit` takes for its data.

    Args:
        model: `TaskModel`.
        x: texts, rows, or what Keras takes.
        y: labels of the texts, or what Keras takes.
        batch_size: int.
        counts: filled in the first pass.
        num_done: int. Batches that an earlier process has taken already;
            `None` where that need never be known.
        **options: further arguments of `data.build_dataset`.

    Raises:
        InputError: if a row is wrong, or there is none, or not as many as a
            batch of a fixed shape has; or if `num_done` is given and there
            is no place to find in the data.
    """
    rows = as_rows(x, y, model.head)
    if rows is None:
        arguments = _arguments(x, y, batch_size)
        return arguments if num_done is None else _placed(arguments, num_done)
    dataset, steps, num_skipped = _batches(
        model, rows, batch_size, counts, num_done or 0, **options
    )
    # Without end, because Keras makes two iterators for each pass over a data
    # set that ends, which takes as long as many a small batch; and because it
    # holds all passes to the length of the first, where some differ.
    return {"x": dataset.repeat().skip(num_skipped), "steps_per_epoch": steps}


def evaluate_arguments(model, x: Any, y: Any, batch_size: int) -> dict:
    """Returns what Keras' `evaluate` takes for its data.

    Args:
        model: `TaskModel`.
        x: texts, rows, or what Keras takes.
        y: labels of the texts, or what Keras takes.
        batch_size: int.

    Raises:
        InputError: if a row is wrong, or there is none.
    """
    rows = as_rows(x, y, model.head)
    if rows is None:
        return _arguments(x, y, batch_size)
    options = fixed_shapes.evaluation_options(model)
    dataset, steps, _ = _batches(
        model, rows, batch_size, None, seed=None, **options
    )
    return {"x": dataset, "steps": steps}


def validation_arguments(model, given: Any, batch_size: int) -> dict:
    """Returns what Keras' `fit` takes for its validation data.

    Args:
        model: `TaskModel`.
        given: rows, a pair `(x, y)` of texts and labels, or what Keras takes.
        batch_size: int.

    Raises:
        InputError: if a row is wrong, or there is none.
    """
    rows = validation_rows(given, model.head)
    if rows is None:
        return {"validation_data": given}
    arguments = evaluate_arguments(model, rows, None, batch_size)
    return {
        "validation_data": arguments["x"],
        "validation_steps": arguments["steps"],
    }


def _batches(
    model,
    rows: data.Rows,
    batch_size: int,
    counts: data.InputCounts | None,
    num_done: int = 0,
    **options,
) -> tuple[tf.data.Dataset, int, int]:
    """Returns padded batches of checked rows, and how many a pass has.

    And how many of them are to be skipped, of `num_done` before.
    """
    report = data.check_rows(rows, model.head)
    warnings = model.head.row_warnings(rows, model.tokenizer)
    for line in [*report.remark_lines(), *warnings]:
        logging.warning("%s", line)
    whole_number("batch_size", batch_size)
    num_sequences = report.num_rows
    drops = options.get("drop_remainder", False)
    whole = num_sequences // batch_size
    steps = whole if drops else math.ceil(num_sequences / batch_size)
    varies = model.head.splits_texts or options.get("tokens_per_batch")
    # Where there are no steps, an error follows.
    first_pass, num_skipped = (
        (0, num_done) if varies else divmod(num_done, max(steps, 1))
    )
    is_counted_before = bool(varies or first_pass)
    dataset = data.build_dataset(
        rows,
        model.head,
        model.tokenizer,
        sequence_length=model.sequence_length,
        batch_size=batch_size,
        counts=counts,
        num_trials=int(is_counted_before),
        first_pass=first_pass,
        **options,
    )
    if is_counted_before:
        steps = sum(1 for _ in dataset)
        if counts is not None:
            counts.finish()
            num_sequences = counts.num_examples
    if drops:
        fixed_shapes.report_dropped(num_sequences, steps, batch_size)
    return dataset, steps, num_skipped


def _placed(arguments: dict, num_done: int) -> dict:
    dataset = arguments["x"]
    steps = num_batches(arguments, arguments.get("batch_size", 1))
    if not isinstance(dataset, tf.data.Dataset) or steps < 1:
        raise InputError(
            "A run with backups needs data in which it finds its place: "
            "texts, rows, or a tf.data.Dataset of known length. Received: "
            f"{type(dataset).__name__}. Make it one of these; "
            "tf.data.experimental.assert_cardinality gives a length."
        )
    return {"x": dataset.repeat().skip(num_done), "steps_per_epoch": steps}


def _arguments(x: Any, y: Any, batch_size: int) -> dict:
    if isinstance(x, tf.data.Dataset):
        return {"x": x}
    return {"x": x, "y": y, "batch_size": batch_size}


def num_batches(arguments: dict, batch_size: int) -> int:
    """Returns the number of batches in an epoch, below 1 if unknown.

    Args:
        arguments: what Keras' `fit` is given.
        batch_size: int. Of the arrays among them.
    """
    if arguments.get("steps_per_epoch"):
        return arguments["steps_per_epoch"]
    dataset = arguments["x"]
    if isinstance(dataset, tf.data.Dataset):
        return int(dataset.cardinality())
    first = next(iter(keras.tree.flatten(dataset)), None)
    if not hasattr(first, "shape"):
        return 0
    num_rows = first.shape[0]
    if arguments.get("validation_data") is None:
        # What Keras trains on, rounded as there.
        share = 1.0 - arguments.get("validation_split", 0.0)
        num_rows = math.floor(num_rows * share)
    return math.ceil(num_rows / batch_size)
