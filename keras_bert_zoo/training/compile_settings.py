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


def _described(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _described(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_described(one) for one in value]
    if isinstance(value, keras.losses.Loss | keras.metrics.Metric):
        return {
            "class_name": keras.saving.get_registered_name(type(value)),
            "config": value.get_config(),
        }
    if isinstance(value, str) or callable(value):
        # A function is known by its name alone.
        return {"class_name": getattr(value, "__name__", str(value))}
    return value
