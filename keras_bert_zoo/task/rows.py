"""Texts that `TaskModel` takes in place of tensors, as rows."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_bert_zoo import data
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task import TaskHead


def as_rows(x: Any, y: Any, head: TaskHead):
    """Returns texts as rows; `None` for what is no text, such as tensors.

    Args:
        x: rows; or a list, tuple, array or column of texts, of tuples of texts
            where the head reads more than one, or of mappings of fields.
        y: labels of the texts, or `None`.
        head: the head that reads them.

    Raises:
        InputError: if texts are given in another form than the head reads.
    """
    if isinstance(x, data.Rows):
        if y is not None:
            raise InputError(
                "Rows bring their own labels. Received: rows and `y`. Leave "
                "`y` out, or give a list of texts."
            )
        return x
    if hasattr(x, "to_list"):  # a column of a data frame
        x, y = x.to_list(), y.to_list() if hasattr(y, "to_list") else y
    if not isinstance(x, list | tuple | np.ndarray):
        return None
    fields = head.text_fields
    if len(x) == 0:
        columns = [[] for _ in fields]
    elif isinstance(x[0], Mapping):
        return _mappings(x, y)
    elif isinstance(x, np.ndarray) and x.dtype.kind not in "OUST":
        return None
    else:
        columns = _columns(x, len(fields))
    if columns is None:
        form = "a text" if len(fields) == 1 else f"{len(fields)} texts"
        raise InputError(
            f"The head {head.name!r} reads {form} per example "
            f"({', '.join(fields)}). Received: {x[0]!r} of type "
            f"{type(x[0]).__name__} first. Give a list of "
            + ("strings." if len(fields) == 1 else "tuples of strings.")
        )
    values = dict(zip(fields, columns, strict=True))
    if y is not None:
        if not head.label_fields:
            raise InputError(
                f"The head {head.name!r} learns from texts alone. Received: "
                "labels in `y`. Leave them out."
            )
        values[head.label_fields[0]] = y
    return data.MemoryRows(values)


def labelled_rows(x: Any, head: TaskHead) -> data.Rows:
    """Returns rows with labels, all of them checked.

    Args:
        x: what `as_rows` takes.
        head: the head that reads them.

    Raises:
        InputError: if these are no rows, or one is wrong or has no label.
    """
    rows = as_rows(x, None, head)
    if rows is None:
        raise InputError(
            "Labelled rows are needed, or a list of mappings. Received: "
            f"{type(x).__name__}. Put texts and labels into MemoryRows."
        )
    data.check_rows(rows, head)
    return rows


def _mappings(x: Any, y: Any):
    if y is not None or any(set(row) != set(x[0]) for row in x):
        raise InputError(
            "Examples that are mappings must have the same fields, labels "
            f"among them. Received: {x[0]!r} first"
            + (", and `y`." if y is not None else ", and other fields later.")
            + " Put each label into its mapping."
        )
    return data.MemoryRows({field: [row[field] for row in x] for field in x[0]})


def _columns(x: Any, num_fields: int):
    if num_fields == 1:
        proper = all(isinstance(text, str) for text in x)
        return [list(x)] if proper else None
    proper = all(
        not isinstance(row, str) and len(row) == num_fields for row in x
    )
    return [list(column) for column in zip(*x)] if proper else None
