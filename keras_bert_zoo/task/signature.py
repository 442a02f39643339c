"""What a head says of itself: its tensors and its options."""

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class TensorInfo:
    """A named tensor of a head's signature.

    `shape` starts with the batch, `None`; a further `None` is a length that
    varies.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...]
    meaning: str


@dataclasses.dataclass(frozen=True)
class Signature:
    """What a deployed model takes and returns."""

    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]


@dataclasses.dataclass(frozen=True)
class Option:
    """An option of a head that the command line offers as a flag.

    `type` is `str`, `int`, `float` or `bool`; `choices` limits a `str`.
    """

    name: str
    type: type
    default: Any
    help: str
    choices: tuple[str, ...] | None = None
