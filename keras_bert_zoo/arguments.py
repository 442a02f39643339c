"""Rules that arguments of many functions and classes have in common.

NumPy's numbers and flags count as Python's, and become such, so that they
can be saved.
"""

import inspect
import math
import numbers
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

from keras_bert_zoo.errors import InputError

# What int32 holds, the type of numbers in a graph.
HIGHEST = 2**31 - 1


def whole_number(
    name: str, value: Any, lowest: int = 1, highest: int = HIGHEST
) -> int:
    """Returns an argument as an int.

    Args:
        name: str. The argument's.
        value: what was given.
        lowest, highest: int. The range allowed, both ends within it.

    Raises:
        InputError: if it is no whole number, or not in `[lowest, highest]`.
    """
    proper = isinstance(value, numbers.Integral) and not is_flag(value)
    if not proper or not lowest <= value <= highest:
        limit = "" if highest >= HIGHEST else f" and at most {highest:,}"
        raise InputError(
            f"`{name}` must be a whole number, at least {lowest}{limit}. "
            f"Received: {name}={value!r:.40}. Choose one in that range."
        )
    return int(value)


def finite_number(
    name: str, value: Any, rule: str = "a finite number"
) -> float:
    """Returns an argument as a float.

    Args:
        name: str. The argument's.
        value: what was given.
        rule: str. What the error says it must be.

    Raises:
        InputError: if it is not a finite number.
    """
    proper = isinstance(value, numbers.Real) and not is_flag(value)
    try:
        number = float(value) if proper else math.nan
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise InputError(
            f"`{name}` must be {rule}. Received: {name}={value!r:.40}."
        )
    return number


def dropout(rate: float) -> float:
    """Returns a probability of zeroing an activation.

    Raises:
        InputError: if it is not a number in [0, 1).
    """
    rule = "at least 0 and below 1"
    rate = finite_number("dropout", rate, rule)
    if not 0 <= rate < 1:
        raise InputError(
            f"`dropout` must be {rule}. Received: dropout={rate!r}. 0 turns "
            "it off."
        )
    return rate


def unicode_label(label: str) -> str:
    """Returns a label that has a UTF-8 form.

    Raises:
        InputError: if it holds a lone surrogate.
    """
    if not label.isascii() and any("\ud800" <= c <= "\udfff" for c in label):
        raise InputError(
            "A label must be valid Unicode. Received a lone surrogate in "
            f"{ascii(label)}. Write both halves of the pair, or remove it."
        )
    return label


def flag(name: str, value: Any) -> bool:
    """Returns an argument as a bool.

    Raises:
        InputError: if it is none; a string such as "no" would count as true.
    """
    if not is_flag(value):
        raise InputError(
            f"`{name}` must be True or False. Received: {name}={value!r:.40}."
        )
    return bool(value)


def checked_call(
    function: Callable, name: str, options: Mapping[str, Any]
) -> Any:
    """Returns what a function or class makes of options.

    Args:
        function: it.
        name: str. What it is, to a user.
        options: the keyword arguments.

    Raises:
        InputError: if it takes others, or needs more.
    """
    signature = inspect.signature(function)
    try:
        signature.bind(**options)
    except TypeError as error:
        raise InputError(
            f"{name} takes the options {', '.join(signature.parameters)}. "
            f"Received: {', '.join(options) or 'none'}: {error}. Give those "
            "that it needs, and leave out the others."
        ) from error
    return function(**options)


def is_flag(value: Any) -> bool:
    """Returns whether a value is a bool of Python's or NumPy's."""
    # Without importing NumPy, which takes a while.
    return isinstance(value, bool) or type(value).__name__ in ("bool_", "bool")
