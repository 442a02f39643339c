"""What a recipe hands on to the Keras optimizer of its name."""

from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

from keras_bert_zoo import arguments
from keras_bert_zoo.errors import InputError

_CLIPPING = ("clipnorm", "clipvalue", "global_clipnorm")
_OF_AVERAGES = ("ema_momentum", "ema_overwrite_frequency")


def checked_options(optimizer: str, options: Mapping[str, Any]) -> dict:
    """Returns options of an optimizer, as it takes them.

    Keras checks few of them. It clips nothing at a norm below 0, and takes
    any text for true.

    Args:
        optimizer: str. `adamw` or `lamb`.
        options: by name. Accumulating 1 batch is accumulating none.

    Raises:
        InputError: if a name is unknown, a value out of range, or two of
            them do not go together.
    """
    rules = dict(_RULES)
    if optimizer != "adamw":
        del rules["amsgrad"]
    unknown = [name for name in options if name not in rules]
    if unknown:
        raise InputError(
            f"Beside what is named in OptimizerRecipe, {optimizer} takes "
            f"{', '.join(rules)}. Received: {', '.join(unknown)}. Give one of "
            "these, or leave it out."
        )
    checked = {
        name: rules[name](name, value) for name, value in options.items()
    }
    clipping = [name for name in _CLIPPING if checked.get(name) is not None]
    if len(clipping) > 1:
        raise InputError(
            "Gradients are clipped in one way. Received: "
            f"{' and '.join(clipping)}. Leave all but one out."
        )
    averaging = [name for name in _OF_AVERAGES if name in checked]
    if averaging and "use_ema" not in checked:
        raise InputError(
            "Averages of the weights are made where `use_ema` is true. "
            f"Received: {' and '.join(averaging)} alone. Give use_ema=True, "
            "too."
        )
    if checked.get("gradient_accumulation_steps") == 1:
        checked["gradient_accumulation_steps"] = None
    return checked


def _in_range(rule: str, holds: Callable[[float], bool]) -> Callable:
    def checked(name, value):
        number = arguments.finite_number(name, value)
        if not holds(number):
            raise InputError(
                f"`{name}` must be {rule}. Received: {name}={value!r:.40}."
            )
        return number

    return checked


def _or_none(check: Callable) -> Callable:
    def checked(name, value):
        return None if value is None else check(name, value)

    return checked


def _name(name, value):
    if value is None or isinstance(value, str) and value and "/" not in value:
        return value
    raise InputError(
        f"`{name}` must be a text without a slash. Received: "
        f"{name}={value!r:.40}."
    )


_POSITIVE = _in_range("above 0", lambda number: number > 0)
_SHARE = _in_range("at least 0 and below 1", lambda number: 0 <= number < 1)
_RULES = {
    "beta_1": _SHARE,
    "beta_2": _SHARE,
    "epsilon": _POSITIVE,
    "amsgrad": arguments.flag,
    "clipnorm": _or_none(_POSITIVE),
    "clipvalue": _or_none(_POSITIVE),
    "global_clipnorm": _or_none(_POSITIVE),
    "use_ema": arguments.flag,
    "ema_momentum": _SHARE,
    "ema_overwrite_frequency": _or_none(arguments.whole_number),
    "gradient_accumulation_steps": _or_none(arguments.whole_number),
    "loss_scale_factor": _or_none(_POSITIVE),
    "name": _name,
}
