"""Tables of rules: where each of our variables stands in a source, and how.

A source writes one `Rule` per variable of ours. `{i}` in both names stands
for the index of a transformer block.
"""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from keras_bert_zoo.errors import InputError

Shape = tuple[int, ...]
_FLOATS = ("float16", "bfloat16", "float32", "float64")


class Layout(NamedTuple):
    """How a source stores one of our arrays.

    Attributes:
        shape: from our shape and the number of heads to the source's shape.
        read: from the source's array and our shape to our array.
        write: from our array and the source's shape to the source's array.
    """

    shape: Callable[[Shape, int], Shape]
    read: Callable[[np.ndarray, Shape], np.ndarray]
    write: Callable[[np.ndarray, Shape], np.ndarray]


def _reshape(array: np.ndarray, shape: Shape) -> np.ndarray:
    return array.reshape(shape)


def _transpose(array: np.ndarray, shape: Shape) -> np.ndarray:
    return array.T


# As we store it: kernels are (in, out).
SAME = Layout(lambda shape, heads: shape, _reshape, _reshape)

# Kernels are (out, in).
TRANSPOSED = Layout(lambda shape, heads: shape[::-1], _transpose, _transpose)

# The last axis is split: (..., heads, width of a head).
HEADS_LAST = Layout(
    lambda shape, heads: (*shape[:-1], heads, shape[-1] // heads),
    _reshape,
    _reshape,
)

# The first axis is split: (heads, width of a head, ...).
HEADS_FIRST = Layout(
    lambda shape, heads: (heads, shape[0] // heads, *shape[1:]),
    _reshape,
    _reshape,
)


class Rule(NamedTuple):
    """Where one of our variables comes from.

    Attributes:
        target: str. Path of our variable.
        sources: tuple of str. Names in the source; the arrays of several
            stand side by side along our last axis.
        layout: `Layout` of each of them.
    """

    target: str
    sources: tuple[str, ...]
    layout: Layout = SAME


class Variables(NamedTuple):
    """The arrays of a source, read one at a time.

    Attributes:
        shapes: dict from name to shape.
        read: function from a name to its array.
    """

    shapes: Mapping[str, Shape]
    read: Callable[[str], np.ndarray]

    def renamed(self, names: Mapping[str, str]) -> "Variables":
        """Returns the same arrays under new names (new -> old)."""
        return Variables(
            {new: self.shapes[old] for new, old in names.items()},
            lambda name: self.read(names[name]),
        )


NO_VARIABLES = Variables({}, {}.__getitem__)


def expand(rules: Iterable[Rule], num_blocks: int) -> list[Rule]:
    """Returns the rules with `{i}` replaced by each block's index."""
    expanded = []
    for rule in rules:
        blocks = range(num_blocks) if "{i}" in rule.target else (0,)
        for index in blocks:
            expanded.append(
                Rule(
                    rule.target.replace("{i}", str(index)),
                    tuple(
                        name.replace("{i}", str(index)) for name in rule.sources
                    ),
                    rule.layout,
                )
            )
    return expanded


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
