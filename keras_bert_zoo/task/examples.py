"""Texts, labels and mappings that `TaskModel` takes, as examples."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_bert_zoo import data
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task import TaskHead


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
