"""What a table of variables is written in, and how its arrays are laid out.

A source writes one `Rule` per variable of ours. `{i}` in both names stands
for the index of a transformer block.
"""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

Shape = tuple[int, ...]


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
