"""Turns what `TaskModel`'s methods are given into what Keras takes.

Texts, labels and mappings become examples, and examples padded batches;
tensors pass.
"""

import itertools
import math
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from keras_bert_zoo import data
from keras_bert_zoo.arguments import whole_number
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task import TaskHead
from keras_bert_zoo.training import distribution


def as_examples(x: Any, y: Any, head: TaskHead):
    """Returns texts as examples; `None` for what is no text, such as tensors.

    Args:
        x: examples; or a list, tuple, array or column of texts, of tuples of
            texts where the head reads more than one, or of mappings of fields.
        y: labels of the texts, or `None`.
        head: the head that reads them.

    Raises:
        InputError: if texts are given in another form than the head reads.
    """
    if isinstance(x, data.Examples):
        if y is not None:
            raise InputError(
                "Examples bring their own labels. Received: examples and `y`. "
                "Leave `y` out, or give a list of texts."
            )
        return x
    if hasattr(x, "to_list"):  # a column of a data frame
        x, y = x.to_list(), y.to_list() if hasattr(y, "to_list") else y
    if not isinstance(x, list | tuple | np.ndarray):
        return None
    if len(x) and isinstance(x[0], Mapping):
        return _mappings(x, y)
    if len(x) and isinstance(x, np.ndarray) and x.dtype.kind not in "OUST":
        return None
    values = _columns(x, head)
    if y is not None:
        if not head.label_fields:
            raise InputError(
                f"The head {head.name!r} learns from texts alone. Received: "
                "labels in `y`. Leave them out."
            )
        values[head.label_fields[0]] = y
    return data.MemoryExamples(values)


def labelled_examples(x: Any, head: TaskHead) -> data.Examples:
    """Returns examples with labels, all of them checked.

    Args:
        x: what `as_examples` takes.
        head: the head that reads them.

    Raises:
        InputError: if these are no examples, or one is wrong or has no label.
    """
    examples = as_examples(x, None, head)
    if examples is None:
        raise InputError(
            "Labelled examples are needed, or a list of mappings. Received: "
            f"{type(x).__name__}. Put texts and labels into MemoryExamples."
        )
    data.check_examples(examples, head)
    return examples


def validation_examples(given: Any, head: TaskHead):
    """Returns validation data as examples; `None` for what is no text.

    Args:
        given: what `as_examples` takes, or a pair `(x, y)` of it.
        head: the head that reads them.

    Raises:
        InputError: as `as_examples`, or if a tuple with texts is no pair.
    """
    parts = given if isinstance(given, tuple) else (given, None)
    examples = as_examples(*(*parts, None, None)[:2], head)
    if examples is not None and len(parts) != 2:
        raise InputError(
            "Validation data of texts are a pair (texts, labels). Received: "
            f"a tuple of {len(parts)}. "
            + (
                "Add the labels, or give examples, which bring their own."
                if len(parts) == 1
                else "Leave out the weights, or give a data set of ready "
                "features."
            )
        )
    return examples


def _mappings(x: Any, y: Any):
    if y is not None:
        raise InputError(
            "Examples that are mappings bring their own labels. Received: "
            f"{x[0]!r} first, and `y`. Put each label into its mapping."
        )
    for index, example in enumerate(x):
        if not isinstance(example, Mapping) or set(example) != set(x[0]):
            raise InputError(
                "Examples that are mappings must have the same fields, labels "
                f"among them. Received: {x[0]!r} first, and {example!r} as "
                f"example {index + 1}. Put each label into its mapping."
            )
    return data.MemoryExamples(
        {field: [example[field] for example in x] for field in x[0]}
    )


def _columns(x: Any, head: TaskHead) -> dict:
    fields = head.text_fields
    is_one = len(fields) == 1
    for index, example in enumerate(x):
        if not (
            isinstance(example, str) if is_one else _has(example, len(fields))
        ):
            form = "a text" if is_one else f"{len(fields)} texts"
            raise InputError(
                f"The head {head.name!r} reads {form} per example "
                f"({', '.join(fields)}). Received: {example!r} of type "
                f"{type(example).__name__} as example {index + 1}. Give a list "
                "of " + ("strings." if is_one else "tuples of strings.")
            )
    if is_one:
        return {fields[0]: list(x)}
    return {
        field: [example[n] for example in x] for n, field in enumerate(fields)
    }


def _has(example: Any, num_texts: int) -> bool:
    is_sequence = isinstance(example, list | tuple | np.ndarray)
    return is_sequence and len(example) == num_texts


def training_data(
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
        x: texts, examples, or what Keras takes.
        y: labels of the texts, or what Keras takes.
        batch_size: int.
        counts: filled in the first pass.
        num_done: int. Batches that an earlier process has taken already;
            `None` where that need never be known.
        **options: arguments of `data.build_dataset`.

    Raises:
        InputError: if an example is wrong, or there is none, or not as many as
            a batch of a fixed shape has; or if `num_done` is given and the data
            cannot be resumed.
    """
    examples = as_examples(x, y, model.head)
    if examples is None:
        arguments = _arguments(x, y, batch_size)
        return arguments if num_done is None else _resumed(arguments, num_done)
    dataset, steps, num_skipped = _batches(
        model, examples, batch_size, counts, num_done or 0, **options
    )
    # Without end, because Keras makes two iterators for each pass over a data
    # set that ends, which takes as long as many a small batch; and because it
    # holds all passes to the length of the first, where some differ.
    return {"x": dataset.repeat().skip(num_skipped), "steps_per_epoch": steps}


def evaluation_data(model, x: Any, y: Any, batch_size: int) -> dict:
    """Returns what Keras' `evaluate` takes for its data.

    The number of steps is left open where only a pass over the data shows it.

    Args:
        model: `TaskModel`.
        x: texts, examples, or what Keras takes.
        y: labels of the texts, or what Keras takes.
        batch_size: int.

    Raises:
        InputError: if an example is wrong, or there is none.
    """
    examples = as_examples(x, y, model.head)
    if examples is None:
        return _arguments(x, y, batch_size)
    options = fixed_shape_options_of_evaluation(model)
    dataset, steps, _ = _batches(
        model,
        examples,
        batch_size,
        None,
        is_counted=False,
        seed=None,
        **options,
    )
    return {"x": dataset, "steps": steps}


def validation_data(model, given: Any, batch_size: int) -> dict:
    """Returns what Keras' `fit` takes for its validation data.

    Args:
        model: `TaskModel`.
        given: examples, a pair `(x, y)` of texts and labels, or what Keras
            takes.
        batch_size: int.

    Raises:
        InputError: if an example is wrong, or there is none.
    """
    examples = validation_examples(given, model.head)
    if examples is None:
        return {"validation_data": given}
    arguments = evaluation_data(model, examples, None, batch_size)
    return {
        "validation_data": arguments["x"],
        "validation_steps": arguments["steps"],
    }


def _batches(
    model,
    examples: data.Examples,
    batch_size: int,
    counts: data.InputCounts | None,
    num_done: int = 0,
    is_counted: bool = True,
    **options,
) -> tuple[tf.data.Dataset, int | None, int]:
    """Returns padded batches of checked examples, and how many a pass has.

    And how many of them are to be skipped, of `num_done` before. Where texts
    become sequences, or batches differ in size, a pass of its own counts the
    batches; without `is_counted` their number is `None` then.
    """
    report = data.check_examples(examples, model.head)
    warnings = model.head.example_warnings(examples, model.tokenizer)
    for line in [*report.remark_lines(), *warnings]:
        logging.warning("%s", line)
    whole_number("batch_size", batch_size)
    num_sequences = report.num_examples
    drops = options.get("drop_remainder", False)
    whole = num_sequences // batch_size
    steps = whole if drops else math.ceil(num_sequences / batch_size)
    varies = model.head.splits_texts or options.get("tokens_per_batch")
    # Where there are no steps, an error follows.
    first_pass, num_skipped = (
        (0, num_done) if varies else divmod(num_done, max(steps, 1))
    )
    is_counted_before = is_counted and bool(varies or first_pass)
    dataset = data.build_dataset(
        examples,
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
    elif varies:
        steps = None
    if drops:
        _report_dropped(num_sequences, steps, batch_size)
    return dataset, steps, num_skipped


def _resumed(arguments: dict, num_done: int) -> dict:
    dataset = arguments["x"]
    steps = num_batches(arguments, arguments.get("batch_size", 1))
    if not isinstance(dataset, tf.data.Dataset) or steps < 1:
        raise InputError(
            "A run with backups needs data that can be resumed: "
            "texts, examples, or a tf.data.Dataset of known length. Received: "
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
        fraction = 1.0 - arguments.get("validation_split", 0.0)
        num_rows = math.floor(num_rows * fraction)
    return math.ceil(num_rows / batch_size)


def fixed_shape_options_of_evaluation(model) -> dict:
    """Returns options of `build_dataset` to evaluate a model.

    Every example is evaluated, so the last batch of a chunk may be smaller.

    Args:
        model: `TaskModel`, compiled.
    """
    if not distribution.is_tpu(model.distribute_strategy):
        return {}
    return {
        "bucket_lengths": data.default_bucket_lengths(model.sequence_length)
    }


def _report_dropped(num_sequences: int, steps: int, batch_size: int) -> None:
    """Warns where the last, incomplete batch of an epoch is dropped.

    Args:
        num_sequences: int. Those that there are.
        steps: int. Batches of an epoch, all of them whole.
        batch_size: int. Sequences in a batch.

    Raises:
        InputError: if there is no batch.
    """
    if steps == 0:
        raise InputError(
            "Batches of fixed shapes are whole. Received: "
            f"batch_size={batch_size}, and {num_sequences} sequences of "
            "tokens. Lower the first, or give fixed_shapes=False."
        )
    num_dropped = num_sequences - steps * batch_size
    if num_dropped:
        logging.warning(
            "%d of %d sequences are dropped from each epoch: the last, "
            "incomplete batch, where shapes are fixed and batches have %d.",
            num_dropped,
            num_sequences,
            batch_size,
        )


class BatchExamples:
    """Finds the examples of a batch by reading the pipeline once more.

    The same seed gives the same batches, so nothing has to be kept while
    the model is trained.

    Args:
        model: `TaskModel`.
        examples: that it was trained on.
        **options: of `data.build_dataset`, as they were for `fit`.
    """

    def __init__(self, model: Any, examples: data.Examples, **options):
        self._model = model
        self._examples = examples
        self._options = options

    def origins(self, start: int, stop: int) -> list[str]:
        """Returns where the examples stand, such as `train.tsv:17`, in order.

        Args:
            start, stop: int. The steps, from 0 at the beginning of `fit`;
                the last is exclusive.
        """
        batches = data.build_dataset(
            self._examples,
            self._model.head,
            self._model.tokenizer,
            sequence_length=self._model.sequence_length,
            only_example_index=True,
            **self._options,
        ).repeat()
        indices = set()
        for (example_index,) in batches.skip(start).take(stop - start):
            indices.update(example_index.numpy().tolist())
        last = max(indices, default=-1) + 1
        return [
            example.origin
            for index, example in enumerate(
                itertools.islice(self._examples, last)
            )
            if index in indices
        ]
