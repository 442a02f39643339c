"""The labels of the classification head: rules, parsing, description."""

import ast
import contextlib
import functools
import math
import numbers
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_bert_zoo import arguments
from keras_bert_zoo.data.examples import UnseenLabel
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.errors import UnseenLabelError
from keras_bert_zoo.task import TensorInfo
from task_heads.classification.metrics import MacroF1
from task_heads.classification.metrics import MatthewsCorrelation
from task_heads.classification.metrics import PearsonCorrelation
from task_heads.classification.metrics import SoftAccuracy

KINDS = ("single_label", "multi_label", "regression")

# Between the labels of a multi-label example in a text file.
SEPARATOR = "|"

_LARGEST = float(np.finfo("float32").max)

# Most labels that an error message lists.
SHOWN_LABELS = 20

# What the sum of probabilities may differ from 1 by.
_ROUNDING = 0.01

# The index of a label that the head does not know.
UNSEEN = -1


def checked(labels: Sequence[str] | None, kind: str) -> list[str] | None:
    """Returns the labels as a list.

    Raises:
        InputError: if there are too few, one is twice, empty or no string,
            or if a regression has any.
    """
    if kind == "regression":
        if labels is not None:
            raise InputError(
                "A regression has no labels. Received: "
                f"labels={labels!r:.80}. Leave them out, or choose another "
                "kind."
            )
        return None
    if isinstance(labels, str) or not isinstance(labels, Iterable):
        raise InputError(
            f"`labels` must be a list of names. Received: {labels!r}. Give "
            "them in a list."
        )
    labels = list(labels)
    fewest = 2 if kind == "single_label" else 1
    proper = all(
        isinstance(label, str) and arguments.unicode_label(label)
        for label in labels
    )
    if len(labels) < fewest or not proper or len(set(labels)) < len(labels):
        raise InputError(
            f"`labels` must be at least {fewest} different, non-empty names. "
            f"Received: {labels}."
        )
    return labels


def checked_weights(
    weights: Mapping[str, float] | None, labels: list[str] | None, kind: str
) -> dict[str, float] | None:
    """Returns a positive weight for each label, or `None`.

    Raises:
        InputError: if an example has not one label, a label has no weight,
            or a weight no label, or a weight is not a positive number.
    """
    if weights is None:
        return None
    if kind != "single_label":
        raise InputError(
            "`class_weights` must be left out unless each example has one "
            f"label. Received: kind={kind!r}, class_weights={weights!r:.80}. "
            "Leave them out, or choose kind='single_label'."
        )
    if not isinstance(weights, Mapping) or set(weights) != set(labels):
        raise InputError(
            "`class_weights` must name each label once. Received: "
            f"{weights!r}, for the labels {labels}. To weigh by inverse "
            "frequency, make the head with "
            "`from_examples(examples, class_weights='balanced')`."
        )
    rule = "positive numbers"
    numbers = {
        label: arguments.finite_number("class_weights", weight, rule)
        for label, weight in weights.items()
    }
    if min(numbers.values()) <= 0:
        raise InputError(
            f"`class_weights` must be {rule}. Received: {dict(weights)}."
        )
    return numbers


def checked_smoothing(smoothing: float, kind: str) -> float:
    """Returns the fraction of probability that the loss spreads over labels.

    Raises:
        InputError: if it is not in [0, 1), or there are no labels.
    """
    rule = "at least 0 and below 1"
    smoothing = arguments.finite_number("label_smoothing", smoothing, rule)
    if not 0 <= smoothing < 1 or (smoothing and kind == "regression"):
        raise InputError(
            f"`label_smoothing` must be {rule}, and 0 for a regression. "
            f"Received: label_smoothing={smoothing!r}, kind={kind!r}. 0 turns "
            "it off."
        )
    return smoothing


def checked_soft(soft: bool, kind: str) -> bool:
    """Returns whether examples have a probability for each label.

    Raises:
        InputError: if `soft` is no truth value, or examples do not have one
            label.
    """
    if arguments.flag("soft_labels", soft) and kind != "single_label":
        raise InputError(
            "`soft_labels` must be False unless each example has one label. "
            f"Received: soft_labels=True, kind={kind!r}. Leave it out."
        )
    return bool(soft)


def checked_separator(separator: str) -> str:
    """Returns what stands between the labels of an example in a file.

    Raises:
        InputError: if it is no text, or empty.
    """
    if not isinstance(separator, str) or not separator:
        raise InputError(
            "`label_separator` must be a text that is not empty. Received: "
            f"{separator!r:.40}. Give what stands between labels, such as ','."
        )
    return separator


def has_probabilities(value: Any) -> bool:
    """Returns whether a label is a mapping from names to probabilities."""
    return isinstance(_unwrapped(value), Mapping)


def is_one(value: Any) -> bool:
    """Returns whether a label is neither probabilities nor a row of them."""
    return not isinstance(_unwrapped(value), Mapping | list)


def counts_in(
    example, kind: str, separator: str = SEPARATOR
) -> Mapping[str, float] | list[str]:
    """Returns the label names of one example, or how much it has of each."""
    value = example.values.get("label")
    try:
        if kind == "multi_label":
            return [_name(label) for label in split(value, separator)]
        one = _unwrapped(value)
        if isinstance(one, Mapping):
            return {
                _name(name): _probability(one, v) for name, v in one.items()
            }
        if not isinstance(one, list):
            return [_name(one)]
        raise InputError(
            "Rows of numbers stand for labels in an order. Received: "
            f"{value!r:.60}, and no labels. Name them in `labels` (in files: "
            'give names, or probabilities by name, {"a": 0.7, "b": 0.3}).'
        )
    except InputError as error:
        raise InputError(f"{example.origin}: {error}") from error


def parse(
    value: Any,
    kind: str,
    labels: list[str] | None,
    separator: str = SEPARATOR,
):
    """Turns an example's label into a number, or numbers.

    Args:
        value: a label's name, or its index (a whole number; where labels are
            called by numbers, it is a name), a row of zeros with a 1 for it,
            or a list with one of these; for several labels a list of names,
            such a list as text, names joined by the separator, or a 0 or 1
            for each label; for a regression, a number.
        kind: str.
        labels: the names.
        separator: str. Between the names of several labels.

    Returns:
        int; or a float32 array of 0 and 1; or a float.

    Raises:
        InputError: if the value is none of that.
    """
    if kind == "regression":
        return _number(_unwrapped(value))
    if kind == "single_label":
        return _index(_unwrapped(value), labels)
    return _flags(split(value, separator), labels)


def probabilities(value: Any, labels: list[str]) -> np.ndarray:
    """Returns the probability of each label, float32 `(L,)`.

    Args:
        value: a probability for each label, in their order, or by name, where
            labels that are left out have none; or what `parse` takes for one
            label, which then is certain.
        labels: the names.

    Returns:
        Zeros, for an `UnseenLabel`.

    Raises:
        InputError: if the value is none of that, or the sum is not 1.
    """
    value = _unwrapped(value)
    row = np.zeros(len(labels), "float32")
    if isinstance(value, Mapping):
        for name, probability in value.items():
            row[_index(name, labels)] = _probability(value, probability)
    elif isinstance(value, list) and len(value) == len(labels):
        row[:] = [_probability(value, probability) for probability in value]
    elif isinstance(value, UnseenLabel):
        return row
    else:
        row[_index(value, labels)] = 1.0
    if abs(row.sum() - 1) > _ROUNDING:
        raise _no_probabilities(value)
    return row / row.sum()


def _probability(label: Any, value: Any) -> float:
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= 1:
        raise _no_probabilities(label)
    return float(value)


def _no_probabilities(label: Any) -> InputError:
    return InputError(
        "Probabilities of labels must be numbers of at least 0, and their sum "
        f"1. Received: {label!r:.80}. Divide them by their sum."
    )


def mark_unseen(
    value: Any, kind: str, labels: list[str], separator: str
) -> tuple[Any, list[str]]:
    """Returns a label with what the head does not know marked or, of several
    labels, left out; and the names of these."""
    given = [value] if kind == "single_label" else split(value, separator)
    known, unseen = [], []
    for one in given:
        try:
            _index(_unwrapped(one), labels)
            known.append(one)
        except UnseenLabelError:
            unseen.append(_name(_unwrapped(one)))
    if not unseen:
        return value, []
    return (known if kind == "multi_label" else UnseenLabel(*unseen)), unseen


def split(value: Any, separator: str = SEPARATOR) -> list:
    """Returns the labels of a multi-label value."""
    if isinstance(value, str):
        listed = None
        if value.startswith("[") and value.endswith("]"):
            # As pandas writes a column of lists into a file.
            with contextlib.suppress(ValueError, SyntaxError, RecursionError):
                listed = ast.literal_eval(value)
        if isinstance(listed, list):
            return listed
        return [one for part in value.split(separator) if (one := part.strip())]
    if isinstance(value, Iterable) and not isinstance(value, Mapping):
        return list(value)
    raise InputError(
        "Several labels are given as a list, or as names joined by "
        f"{separator!r}. Received: {value!r:.80}. Correct the example."
    )


def metrics(kind: str, labels: list[str] | None, soft: bool) -> list:
    """Returns new metrics for the kind of task.

    Of soft labels the most probable one counts.
    """
    if kind == "single_label":
        return [
            SoftAccuracy()
            if soft
            else keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
            MacroF1(len(labels)),
            MatthewsCorrelation(len(labels)),
        ]
    if kind == "multi_label":
        return [
            keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0),
            MacroF1(len(labels), multi_label=True),
        ]
    return [
        keras.metrics.RootMeanSquaredError(name="rmse"),
        PearsonCorrelation(),
    ]


def outputs(kind: str, labels: list[str] | None) -> tuple[TensorInfo, ...]:
    """Returns the description of what the head decodes."""
    if kind == "regression":
        return (TensorInfo("score", "float32", (None,), "predicted score"),)
    shape = (None, len(labels))
    order = ", ".join(labels)
    scores = TensorInfo(
        "scores", "float32", shape, f"probability of each of: {order}"
    )
    if kind == "single_label":
        return (
            TensorInfo("label", "string", (None,), "most probable label"),
            TensorInfo("probability", "float32", (None,), "its probability"),
            scores,
        )
    return (
        TensorInfo(
            "labels",
            "string",
            shape,
            "labels above 0.5, most probable first, then empty strings",
        ),
        TensorInfo("num_labels", "int32", (None,), "how many are above 0.5"),
        scores,
    )


def _flags(values: list, labels: list[str]) -> np.ndarray:
    are_flags = len(values) == len(labels) and all(v in (0, 1) for v in values)
    are_different = len(set(map(str, values))) == len(values)
    # Where labels are called by numbers, different numbers are names.
    if are_flags and not (_numbers_of(tuple(labels)) and are_different):
        return np.array(values, "float32")
    if not are_different and not any(isinstance(v, str) for v in values):
        raise InputError(
            "Several labels in numbers are a 0 or 1 for each of the "
            f"{len(labels)} labels, or different ones. Received: {values}. "
            "Give these, or names."
        )
    flags = np.zeros(len(labels), "float32")
    for name in values:
        flags[_index(name, labels)] = 1.0
    return flags


def _unwrapped(value: Any) -> Any:
    """Returns the one value of a list or an array; rows as lists."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return value[0] if len(value) == 1 else list(value)
    return value


def _index(value: Any, labels: list[str]) -> int:
    if isinstance(value, list):
        return _one_hot(value, labels)
    if isinstance(value, UnseenLabel):
        return UNSEEN
    name = _name(value)
    if name in labels:
        return labels.index(name)
    if not isinstance(value, str):
        # Where names are numbers, a number is a name: never a name in one
        # example and an index in the next. So are truth values.
        named = _numbers_of(tuple(labels))
        if isinstance(value, bool):
            lower = [label.lower() for label in labels]
            if name.lower() in lower:
                return lower.index(name.lower())
        if value in named:
            return named[value]
        if not named and 0 <= value < len(labels):
            return int(value)
    shown = ", ".join(labels[:SHOWN_LABELS])
    if len(labels) > SHOWN_LABELS:
        shown += f", ... ({len(labels)} labels)"
    raise UnseenLabelError(
        f"label {name!r} is not one of {shown}. Correct it, or train with "
        "examples that have it."
    )


@functools.lru_cache(maxsize=8)
def _numbers_of(labels: tuple[str, ...]) -> dict[float, int]:
    """Returns the indices of labels that are called by numbers."""
    found = {}
    for index, label in enumerate(labels):
        with contextlib.suppress(ValueError):
            if math.isfinite(number := float(label)):
                found.setdefault(number, index)
    return found


def _one_hot(row: list, labels: list[str]) -> int:
    if len(row) == len(labels) and sorted(row) == [0] * (len(row) - 1) + [1]:
        return row.index(1)
    raise InputError(
        "A label in a row of numbers is a 1 among zeros, one for each of the "
        f"{len(labels)} labels. Received: {row!r:.80}. Give that, the label's "
        "name or its index; for several labels choose kind='multi_label', for "
        "probabilities `soft_labels`."
    )


def _name(value: Any) -> str:
    if isinstance(value, Mapping):
        raise InputError(
            "Probabilities of labels are for heads with soft_labels=True. "
            f"Received: {value!r:.80}. Train with examples that have some, or "
            "give the most probable label."
        )
    if isinstance(value, str) and value:
        return arguments.unicode_label(value)
    if isinstance(value, int | np.integer):
        return str(value)
    # Whole numbers are floats in a column that had gaps.
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    missing = value is None or value == "" or value != value
    raise InputError(
        "A label must be a name or an index. Received: "
        + (
            "none. Fill it in, or remove the example."
            if missing
            else f"{value!r:.80}. Correct the example."
        )
    )


def _number(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not abs(number) <= _LARGEST:
        raise InputError(
            "A regression's label must be a finite float32. Received: "
            f"{str(value)[:40]!r}. Correct it, or scale the labels."
        )
    return number
