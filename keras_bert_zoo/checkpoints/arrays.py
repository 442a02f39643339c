"""Reads and writes arrays as a table of rules lays them out."""

from collections.abc import Iterable
from collections.abc import Mapping

import numpy as np

from keras_bert_zoo.checkpoints.rules import Rule
from keras_bert_zoo.checkpoints.rules import Shape
from keras_bert_zoo.checkpoints.rules import Variables
from keras_bert_zoo.errors import InputError

_FLOATS = ("float16", "bfloat16", "float32", "float64")


def read_rule(
    rule: Rule, variables: Variables, shape: Shape, origin: str
) -> np.ndarray:
    """Returns one of our arrays, float32 `shape`, from the source's.

    Raises:
        InputError: if the source's are no floats, or not finite.
    """
    piece = (*shape[:-1], shape[-1] // len(rule.sources))
    arrays = [
        rule.layout.read(read_array(variables, name, origin), piece)
        for name in rule.sources
    ]
    return np.concatenate(arrays, axis=-1) if len(arrays) > 1 else arrays[0]


def read_array(variables: Variables, name: str, origin: str) -> np.ndarray:
    """Returns an array of a source in float32.

    Raises:
        InputError: if it holds no floats, or is not finite.
    """
    array = variables.read(name)
    if array.dtype.name not in _FLOATS:
        raise InputError(
            f"{origin}: variable {name!r} must be floating-point. "
            f"Received: {array.dtype.name}. Convert the checkpoint to "
            "float32 first."
        )
    array = array.astype(np.float32, copy=False)
    if not np.isfinite(array).all():
        raise InputError(
            f"{origin}: variable {name!r} must hold finite numbers. "
            "Received: NaN or infinity. Its training went wrong: take an "
            "earlier checkpoint."
        )
    return array


def write_rules(
    rules: Iterable[Rule], values: Mapping[str, np.ndarray], num_heads: int
) -> dict[str, np.ndarray]:
    """Returns source name -> array for each of our arrays in `values`."""
    written = {}
    for rule in rules:
        pieces = np.split(values[rule.target], len(rule.sources), axis=-1)
        for name, piece in zip(rule.sources, pieces, strict=True):
            shape = rule.layout.shape(piece.shape, num_heads)
            array = rule.layout.write(piece, shape)
            written[name] = np.ascontiguousarray(array)
    return written
