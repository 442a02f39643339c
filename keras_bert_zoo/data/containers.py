"""Texts and labels in the containers that people hold them in.

Arrays, columns of data frames, whole tables (pandas, polars, pyarrow, Hugging
Face's `datasets`), tensors, and data sets of batches as Keras takes them. No
library is imported for them: what a container can do tells what it is.
"""

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_bert_zoo.errors import InputError


class Held(NamedTuple):
    """Texts with what belongs to them, in Python's own containers.

    Attributes:
        x: list of texts, or of tuples of texts; or a dict of columns, lists
            of one length, by the head's field names.
        y: list of labels, or `None`.
        sample_weight: list of numbers, or `None`.
    """

    x: list | dict[str, list]
    y: list | None
    sample_weight: list | None


def unpacked(
    x: Any,
    y: Any,
    sample_weight: Any,
    head: Any,
    columns: Mapping[str, str] | None = None,
) -> Held | None:
    """Returns what a container of texts holds; `None` if it holds no texts.

    Args:
        x: array, column, table, tensor or data set.
        y: labels beside it, or `None`.
        sample_weight: weights beside it, or `None`.
        head: `TaskHead`, or its class.
        columns: of a table: field name -> name of the column.

    Raises:
        InputError: if a table has no such column, or a data set has no end.
    """
    if isinstance(x, tf.data.Dataset | keras.utils.PyDataset | Batches):
        held = _of_batches(x, head)
        if held is not None and (y is not None or sample_weight is not None):
            raise InputError(
                "Data sets bring their own labels and weights. Received: "
                f"{type(x).__name__}, and labels or weights beside it. Leave "
                "them out."
            )
        return held
    if _is_table(x):
        return _of_table(x, y, sample_weight, head, columns or {})
    if _are_numbers(x):
        return None
    texts = column(x)
    if texts is None or texts and not _are_texts(texts):
        return None
    return Held(texts, y, sample_weight)


def column(values: Any) -> list | None:
    """Returns the values of an array, a tensor or a column as a list.

    Texts in bytes are decoded; where each row of an array has one value, the
    values are returned.

    Returns:
        `None` for what is none of these, such as a mapping or a text.
    """
    if isinstance(values, tf.Tensor | tf.Variable):
        values = values.numpy()
    if isinstance(values, bytes):
        values = np.array(values)
    if isinstance(values, np.ndarray | np.generic):
        values = np.atleast_1d(values)
        if values.dtype.kind in "OSUT" and values.shape[1:] == (1,):
            values = values[:, 0]
        return [_plain(value) for value in values.tolist()]
    for name in ("to_pylist", "tolist", "to_list"):
        if hasattr(values, name):
            values = getattr(values, name)()
            break
    if isinstance(values, Sequence) and not isinstance(values, str):
        return [_plain(value) for value in values]
    return None


def class_names(holder: Any, field: str | None, head: Any) -> list[str] | None:
    """Returns the names that whole numbers stand for as labels, if known.

    `class_names` of a Keras data set, `features` of a Hugging Face one. Where
    a head has labels of its own and not these, numbers are its indices.

    Args:
        holder: the data set.
        field: name of its label column, or `None`.
        head: `TaskHead`, or its class.
    """
    names = getattr(holder, "class_names", None)
    features = getattr(holder, "features", None)
    if names is None and isinstance(features, Mapping) and field is not None:
        feature = features.get(field)
        feature = getattr(feature, "feature", feature)
        names = getattr(feature, "names", None)
    if not names:
        return None
    own = getattr(head, "labels_by_index", None)
    return list(names) if own is None or set(names) <= set(own) else None


class Batches(list):
    """Batches of texts that a generator gave, to be read again."""


def settled(x: Iterator) -> Any:
    """Returns an iterator of texts as `Batches`, read to its end.

    Of something else: a generator that gives the same. The iterator itself
    must not be used afterwards.
    """
    first = next(x, None)
    if first is None:
        raise InputError(
            "Data must have at least one batch or example. Received: a "
            f"{type(x).__name__} that has none, or was read before. Make it "
            "anew."
        )
    if _batch_has_texts(first):
        return Batches([first, *x])

    def again():
        yield first
        yield from x

    return again()


def _are_numbers(x: Any) -> bool:
    """Returns whether an array or a tensor is of numbers, by its type."""
    if isinstance(x, tf.Tensor | tf.Variable):
        return x.dtype != tf.string
    is_array = isinstance(x, np.ndarray | np.generic) and x.size
    return bool(is_array) and x.dtype.kind not in "OSUT"


def _are_texts(values: Sequence) -> bool:
    """Returns whether the first value that is there is a text, or some."""
    missing = (type(None), float)
    first = next((v for v in values if not isinstance(v, missing)), None)
    if isinstance(first, list | tuple | np.ndarray) and len(first):
        first = first[0]
    return isinstance(first, str | bytes | Mapping)


def _is_table(x: Any) -> bool:
    names = _column_names(x)
    return bool(names) and all(isinstance(name, str) for name in names)


def _column_names(x: Any) -> list | None:
    """Returns the names of a table's columns; `None` for what is no table."""
    if isinstance(x, Mapping):
        return list(x)
    for name in ("column_names", "columns"):
        found = getattr(x, name, None)
        if found is not None and hasattr(x, "__getitem__"):
            return list(found)
    return None


def _of_table(x, y, sample_weight, head, columns) -> Held | None:
    names = _column_names(x)
    texts = (*head.text_fields, *head.other_fields)
    fields = texts if y is not None else (*texts, *head.label_fields)
    places = {field: columns.get(field, field) for field in fields}
    unknown = [field for field in columns if field not in places]
    if unknown:
        raise InputError(
            f"The head {head.name!r} has the fields {', '.join(fields)}. "
            f"Received: columns={dict(columns)}. Name columns for these."
        )
    has = {field: name for field, name in places.items() if name in names}
    is_told_otherwise = len(head.text_fields) == 1 and any(
        field in has for field in head.other_fields
    )
    missing = [
        field
        for field in places
        if field not in has
        and (
            field in columns
            or (field in head.text_fields and not is_told_otherwise)
        )
    ]
    if missing:
        if isinstance(x, Mapping):
            if any(_is_table(part) for part in x.values()):
                raise InputError(
                    "One table of texts is taken at a time. Received: "
                    f"{', '.join(map(repr, names))}. Choose one of them."
                )
            if not columns:
                return None  # ready features, by name
        raise InputError(
            f"The column {places[missing[0]]!r} does not exist. Columns here: "
            f"{', '.join(map(repr, names))}. Name that of {missing[0]!r}: "
            f"columns={{{missing[0]!r}: ...}}."
        )
    found = {}
    for field, name in has.items():
        values = column(x[name])
        if field in head.label_fields:
            values = _named(values, class_names(x, name, head))
        found[field] = values
    return Held(found, y, sample_weight)


def _named(values: list, names: list[str] | None) -> list:
    if names is None:
        return values

    def named(value):
        if isinstance(value, list | tuple | np.ndarray):
            return [named(one) for one in value]
        is_index = isinstance(value, int | np.integer)
        return names[value] if is_index and value >= 0 else value

    return [named(value) for value in values]


def _of_batches(x: Any, head: Any) -> Held | None:
    """Reads a data set of texts, whole; `None` for one of something else."""
    if isinstance(x, tf.data.Dataset):
        spec = x.element_spec
        first = spec[0] if isinstance(spec, tuple) and spec else spec
        if not _specs_have_texts(first):
            return None
        if x.cardinality() == tf.data.INFINITE_CARDINALITY:
            raise InputError(
                "Texts of a data set are read to its end. Received: one "
                "without end. Leave `repeat` out; `epochs` repeats it."
            )
        elements: Iterable = x.as_numpy_iterator()
    elif isinstance(x, keras.utils.PyDataset):
        if not len(x) or not _batch_has_texts(x[0]):
            return None
        elements = (x[index] for index in range(len(x)))
    else:
        elements = x
    columns: dict[str, list] = {field: [] for field in head.text_fields}
    labels: list = []
    weights: list = []
    for element in elements:
        parts = element if isinstance(element, tuple) else (element,)
        if len(parts) > 1 and not head.label_fields:
            parts = parts[:1]
        texts, *others = parts
        is_one = _add_texts(columns, texts, head)
        for known, given in zip((labels, weights), others, strict=False):
            known.extend([_plain(given)] if is_one else column(given))
    names = class_names(x, None, head)
    return Held(columns, _named(labels, names) or None, weights or None)


def _add_texts(columns: dict[str, list], texts: Any, head: Any) -> bool:
    """Adds the texts of an element; returns whether it is one example."""
    fields = head.text_fields
    if not isinstance(texts, Mapping):
        if len(fields) == 1:
            texts = {fields[0]: texts}
        else:
            if isinstance(texts, np.ndarray) and texts.ndim == 2:
                texts = texts.T
            if len(texts) != len(fields):
                raise InputError(
                    f"The head {head.name!r} reads {len(fields)} texts "
                    f"({', '.join(fields)}). Received: batches of "
                    f"{len(texts)}. Give each of them."
                )
            texts = dict(zip(fields, texts))
    is_one = False
    for field in fields:
        if field not in texts:
            raise InputError(
                f"Batches of texts have the fields of the head {head.name!r}, "
                f"{', '.join(fields)}. Received: {', '.join(texts)}. Rename "
                "them."
            )
        values = texts[field]
        is_one = isinstance(values, str | bytes) or np.ndim(values) == 0
        columns[field].extend([_plain(values)] if is_one else column(values))
    return is_one


def _plain(value: Any) -> Any:
    """Returns a value as one of Python's own, bytes as text."""
    if isinstance(value, tf.Tensor):
        value = value.numpy()
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(
                f"A text in bytes must be UTF-8. Received: {value!r:.60} "
                f"({error.reason} at byte {error.start + 1}). Decode it."
            ) from error
    return value


def _specs_have_texts(spec: Any) -> bool:
    flat = tf.nest.flatten(spec)
    return bool(flat) and all(
        getattr(one, "dtype", None) == tf.string for one in flat
    )


def _batch_has_texts(batch: Any) -> bool:
    first = batch[0] if isinstance(batch, tuple) and batch else batch
    if isinstance(first, Mapping):
        first = next(iter(first.values()), None)
    if isinstance(first, str | bytes):
        return True
    if isinstance(first, tf.Tensor):
        return first.dtype == tf.string
    values = column(first)
    if values and isinstance(values[0], list | tuple):
        values = values[0]
    return bool(values) and isinstance(values[0], str | bytes)
