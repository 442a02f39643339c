"""Keras's losses and metrics, told that a head gives logits."""

from typing import Any

import keras

from keras_bert_zoo.errors import InputError

_LOSSES = {
    "binary_crossentropy": keras.losses.BinaryCrossentropy,
    "binary_focal_crossentropy": keras.losses.BinaryFocalCrossentropy,
    "categorical_crossentropy": keras.losses.CategoricalCrossentropy,
    "categorical_focal_crossentropy": keras.losses.CategoricalFocalCrossentropy,
    "sparse_categorical_crossentropy": (
        keras.losses.SparseCategoricalCrossentropy
    ),
}


def of_logits(given: Any) -> Any:
    """Returns what `compile` is given, with losses by name as of logits.

    Args:
        given: losses or metrics, in any structure.

    Raises:
        InputError: if a loss or a metric takes probabilities.
    """
    return keras.tree.map_structure(_of_logits, given)


def _of_logits(one: Any) -> Any:
    name = getattr(one, "__name__", one)
    if isinstance(one, str):
        kind = _LOSSES.get(name.lower())
        return one if kind is None else kind(from_logits=True)
    if name in _LOSSES and one is getattr(keras.losses, name, None):
        return _LOSSES[name](from_logits=True)
    if not isinstance(one, keras.losses.Loss | keras.metrics.Metric):
        return one
    try:
        is_of_logits = one.get_config().get("from_logits", True)
    except NotImplementedError:
        return one
    if not is_of_logits:
        kind = type(one).__name__
        raise InputError(
            f"A head gives logits. Received: {kind}(from_logits=False), which "
            f"takes probabilities. Give {kind}(from_logits=True)."
        )
    return one
