"""What `compile` was given, as plain values."""

from collections.abc import Mapping
from typing import Any

import keras

# How a step is computed, as a strategy is, and not what.
_FREE = ("auto_scale_loss", "jit_compile", "run_eagerly")


def compile_settings(**given) -> dict:
    """Returns what steps depend on, by name.

    Args:
        **given: arguments of `keras.Model.compile`, but for the optimizer.
    """
    return {
        name: _described(value)
        for name, value in given.items()
        if name not in _FREE
    }


def _described(value: Any, is_config: bool = False) -> Any:
    if isinstance(value, Mapping):
        return {
            str(name): _described(one, is_config) for name, one in value.items()
        }
    if isinstance(value, list | tuple):
        return [_described(one, is_config) for one in value]
    if isinstance(value, keras.losses.Loss | keras.metrics.Metric):
        return {
            "class_name": keras.saving.get_registered_name(type(value)),
            "config": _described(_config(value), is_config=True),
        }
    if not is_config and (isinstance(value, str) or callable(value)):
        # A function is known by its name alone.
        return {"class_name": getattr(value, "__name__", str(value))}
    return value


def _config(value: Any) -> dict:
    try:
        return value.get_config()
    except NotImplementedError:
        # As where nobody means to save it; the class tells it then.
        return {}
