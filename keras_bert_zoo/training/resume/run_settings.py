"""What a run depends on, by name: a resumed run must have the same settings."""

import json
import os
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.training import distribution
from keras_bert_zoo.training.model import ReplicatedModel

# What callbacks of Keras are told when they are made.
_OPTIONS = {
    keras.callbacks.EarlyStopping: (
        "monitor",
        "patience",
        "baseline",
        "restore_best_weights",
        "start_from_epoch",
    ),
    keras.callbacks.ReduceLROnPlateau: (
        "monitor",
        "patience",
        "factor",
        "cooldown",
        "min_lr",
    ),
}
# Raised where the settings that are kept change.
FORMAT = 4
# What stands for a text that is too long to be shown.
_MOST_CHARACTERS = 200


def settings_of(
    model: ReplicatedModel,
    settings: Mapping[str, Any],
    callbacks: Sequence[keras.callbacks.Callback],
) -> dict:
    """Returns what a run of `fit` depends on, JSON-able.

    Args:
        model: compiled.
        settings: what the caller knows of; numbers may be NumPy's.
        callbacks: the user's.
    """
    found = {
        "format": FORMAT,
        **settings,
        **_compile_settings(**model.compile_arguments()),
        "steps_per_execution": model.steps_per_execution,
        "optimizer": keras.optimizers.serialize(model.optimizer),
        "callbacks": [type(one).__name__ for one in callbacks],
    }
    for place, callback in enumerate(callbacks):
        for kind, names in _OPTIONS.items():
            if isinstance(callback, kind):
                options = {name: getattr(callback, name) for name in names}
                # Keras gives it a sign when training begins.
                options["min_delta"] = abs(callback.min_delta)
                found[f"callbacks[{place}]"] = options
    return as_json(found, _named)


def shared_settings(settings: Mapping) -> dict:
    """Returns what the workers of a run have in common.

    Not the names of callbacks: one worker may write what all have learned.

    Args:
        settings: as `settings_of` returns them.
    """
    stopping = [
        value
        for name, value in settings.items()
        if name.startswith("callbacks[")
    ]
    return {
        name: value
        for name, value in settings.items()
        if not name.startswith("callbacks")
    } | {"callbacks": stopping}


def as_json(value: Any, default: Callable | None = None) -> Any:
    """Returns a copy with what JSON gives back, NumPy's numbers as Python's.

    Args:
        value: to copy.
        default: function of a part that has no form in JSON, which returns
            what stands for it.

    Raises:
        TypeError: if a part has no form in JSON.
        ValueError: if it holds itself.
    """
    return json.loads(json.dumps(value, default=default or _plain))


def checked(settings: Mapping[str, Any]) -> dict:
    """Returns settings as JSON gives them back.

    Raises:
        InputError: if it cannot.
    """
    try:
        return as_json(dict(settings))
    except (TypeError, ValueError) as error:
        raise InputError(
            "`settings` must be text, numbers, or lists and dicts of them. "
            f"Received: {settings!r:.80} ({error}) Name the others by a text."
        ) from error


def check_same(
    model: ReplicatedModel,
    own: Mapping,
    earlier: Mapping,
    directory: str | os.PathLike,
) -> None:
    """Checks that a backup is of a run with the same settings.

    Of several workers the chief's count. Those of the others have been
    compared with them, but for what each may have of its own.

    Args:
        model: to be trained.
        own, earlier: as `settings_of` returns them.
        directory: of the backups.

    Raises:
        InputError: if not, with all differences; or if it was made by a
            version that did not keep all of them.
    """
    if earlier.get("format") != own["format"]:
        raise InputError(
            "A backup is continued by the version that made it. Received: "
            f"{directory}, made by one that keeps other settings of a run "
            f"(format {earlier.get('format', 1)}, here {own['format']}). End "
            "the run with that version, or remove it to start anew."
        )
    (changes,), _ = distribution.from_chief(
        model.distribute_strategy, [_changes(own, earlier, "the backup")], {}
    )
    if changes:
        raise InputError(
            "A backup is continued by the run that made it. Received: "
            f"{directory}, made with other settings: {changes}. "
            "Give those of the backup, or remove it to start anew."
        )


def check_workers(strategy: tf.distribute.Strategy, settings: Mapping) -> None:
    """Checks that all workers train the same run.

    Each worker calls it, at the same point.

    Args:
        strategy: of the workers. Nothing is checked where there is one.
        settings: of this worker; text, numbers, lists and dicts.

    Raises:
        InputError: on all workers, if one differs from the first.
    """
    if not distribution.are_several(strategy):
        return
    first, _ = distribution.from_chief(strategy, dict(settings), {})
    changes = _changes(settings, first, "the first worker")
    differ = distribution.any_of(strategy, np.array([bool(changes)]))
    if differ[0]:
        raise InputError(
            "All workers train one run, on the same rows. Received: "
            f"{changes or 'other settings on another worker, which names them'}"
            ". Start each with the same command."
        )


def _plain(value):
    if not hasattr(value, "dtype"):
        raise TypeError(f"A {type(value).__name__} cannot be written as JSON.")
    return np.asarray(value).tolist()


def _named(value):
    """Returns what stands for a part of a setting."""
    is_array = isinstance(value, np.ndarray | np.generic | keras.Variable)
    if is_array or tf.is_tensor(value):
        return _plain(value)
    return getattr(value, "__name__", type(value).__name__)


def _changes(own: Mapping, other: Mapping, others_name: str) -> str:
    """Returns what differs, in words; nothing where all is the same."""
    own, other = _flat(own), _flat(other)
    return ", ".join(
        f"{name.replace('.config', '')}={_shown(own.get(name))} "
        f"({others_name}: {_shown(other.get(name))})"
        for name in {**other, **own}
        # Keras numbers the names of a process's optimizers.
        if other.get(name) != own.get(name) and not name.endswith("config.name")
    )


def _flat(settings, prefix=""):
    """Returns nested settings as one level."""
    flat = {}
    for name, value in settings.items():
        if isinstance(value, list) and any(
            isinstance(one, dict) for one in value
        ):
            parts = {f"{name}[{n}]": one for n, one in enumerate(value)}
            flat |= _flat(parts, prefix)
        elif isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def _shown(value):
    text = str(value)
    if len(text) <= _MOST_CHARACTERS:
        return text
    return f"{text[: _MOST_CHARACTERS - 3]}..."


# How a step is computed, as a strategy is, and not what.
_FREE = ("auto_scale_loss", "jit_compile", "run_eagerly")


def _compile_settings(**given) -> dict:
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
        # A loss or metric without a config is known by its class alone.
        return {}
