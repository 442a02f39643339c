"""Everything that the rest of a run depends on, as numbers and arrays."""

import os
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.training import keras_private

# Squares of larger weights are beyond float32.
LARGEST_WEIGHT = 1e18


def variables_of(
    model: keras.Model,
) -> dict[str, Sequence[keras.Variable]]:
    """Returns what changes in a run: weights, seeds, optimizer, means.

    Args:
        model: `ReplicatedModel`, compiled and built.
    """
    return {
        "model": model.variables,
        "optimizer": model.optimizer.variables,
        "metrics": model.metrics_variables,
        "step": model.step_variables,
    }


def arrays_of(variables: Mapping[str, Iterable]) -> dict[str, np.ndarray]:
    """Returns the values of variables, `group/number` -> array."""
    return {
        f"{group}/{number}": np.asarray(variable.numpy())
        for group, members in variables.items()
        for number, variable in enumerate(members)
    }


def assign(
    variables: Mapping[str, Iterable], arrays: Mapping[str, np.ndarray]
) -> None:
    """Gives variables the values that `arrays_of` returned."""
    for group, members in variables.items():
        for number, variable in enumerate(members):
            variable.assign(arrays[f"{group}/{number}"])


def is_sound(arrays: Mapping[str, np.ndarray]) -> bool:
    """Returns whether weights and optimizer can be gone on with."""
    return all(
        np.isfinite(array).all()
        and not (name.startswith("model/") and _is_too_large(array))
        for name, array in arrays.items()
        if name.startswith(("model/", "optimizer/"))
    )


def _is_too_large(array):
    # Seeds are whole numbers of any size.
    return array.dtype.kind not in "iu" and bool(
        np.abs(array).max(initial=0) >= LARGEST_WEIGHT
    )


def check_same_shapes(
    variables: Mapping[str, Iterable],
    arrays: Mapping[str, np.ndarray],
    directory: str | os.PathLike,
) -> None:
    """Checks that variables can take the values of arrays.

    Args:
        variables: as `variables_of` gives them.
        arrays: those of a backup.
        directory: of the backups.

    Raises:
        InputError: if one is missing, or has another shape.
    """
    shapes = {
        f"{group}/{number}": tuple(variable.shape)
        for group, members in variables.items()
        for number, variable in enumerate(members)
    }
    if shapes.items() - {(name, one.shape) for name, one in arrays.items()}:
        raise InputError(
            "A backup is continued by the model that it is of. Received: "
            f"{directory}, of a model with other weights. Remove it, to "
            "start anew."
        )


def callbacks_state(
    callbacks: Sequence[keras.callbacks.Callback],
) -> tuple[list[dict], dict[str, np.ndarray]]:
    """Returns what callbacks know, and the arrays among it.

    Of Keras' own it is what `keras_private` lists; others have `backup_state`
    and `restore_state`, if they know anything.

    In the first, an array, or a list of some, is a `{"arrays": names}`.
    """
    states, arrays = [], {}
    for place, callback in enumerate(callbacks):
        state = _state(callback)
        for name, value in state.items():
            if _is_arrays(value):
                names = [
                    f"callbacks/{place}/{name}/{number}"
                    for number in range(len(value))
                ]
                arrays |= zip(names, map(np.asarray, value))
                state[name] = {"arrays": names}
        states.append(state)
    return states, arrays


def restore_callbacks(
    callbacks: Sequence[keras.callbacks.Callback],
    saved: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
) -> None:
    """Gives callbacks what `callbacks_state` returned.

    Args:
        callbacks: of the run; a worker may lack some that the chief has, and
            have others that nothing is known of.
        saved: the chief's states, and the names of their callbacks.
        arrays: as `callbacks_state` returned them.
    """
    names = list(saved["settings"]["callbacks"])
    states = list(saved["callbacks"])
    for callback in callbacks:
        if type(callback).__name__ not in names:
            continue
        place = names.index(type(callback).__name__)
        state = states.pop(place)
        del names[place]
        for name, value in state.items():
            if isinstance(value, dict) and set(value) == {"arrays"}:
                value = [arrays[one] for one in value["arrays"]]
            state = {**state, name: value}
        own_names = _names(callback)
        if own_names:
            for name in own_names:
                # One that an earlier version did not keep is left alone.
                setattr(
                    callback, name, state.get(name, getattr(callback, name))
                )
        elif hasattr(callback, "restore_state"):
            callback.restore_state(state)


def _state(callback) -> dict[str, Any]:
    names = _names(callback)
    if names:
        return {name: _plain(getattr(callback, name)) for name in names}
    if hasattr(callback, "backup_state"):
        return dict(callback.backup_state())
    return {}


def _names(callback):
    for kind, names in keras_private.CALLBACK_STATE.items():
        if isinstance(callback, kind):
            return names
    return ()


def _plain(value):
    """Returns a number of NumPy's or TensorFlow's as Python's own."""
    is_number = hasattr(value, "dtype") and np.ndim(value) == 0
    return np.asarray(value).item() if is_number else value


def _is_arrays(value):
    return isinstance(value, list) and any(
        isinstance(one, np.ndarray) for one in value
    )
