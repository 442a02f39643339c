"""Rows of raw values that know where they come from."""

import abc
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.errors import ItemError


class Row(NamedTuple):
    """One example before any processing.

    Attributes:
        values: field name -> raw value.
        origin: where the row stands, such as `train.tsv:17` or `row 3`;
            lines and rows count from 1.
        item_origins: where each item of the row's lists stands, if each is
            on a line of its own; or empty.
    """

    values: Mapping[str, Any]
    origin: str
    item_origins: Sequence[str] = ()

    def place_of(self, error: InputError) -> str:
        """Returns where the mistake stands, to the line."""
        if isinstance(error, ItemError) and self.item_origins:
            return self.item_origins[error.item]
        return self.origin


class Rows(abc.ABC):
    """Rows that can be iterated again and again, once per epoch.

    `fit`, `evaluate` and `predict_text` take rows of any such class.
    """

    @abc.abstractmethod
    def __iter__(self) -> Iterator[Row]:
        """Returns the rows from the first on."""


class MemoryRows(Rows):
    """Rows from sequences in memory; can be iterated again and again.

    Args:
        values: field name -> sequence of values (list, tuple, NumPy array,
            pandas column), all of one length.

    Raises:
        InputError: if a field is not a sequence, or lengths differ.
    """

    def __init__(self, values: Mapping[str, Sequence]):
        if not values:
            raise InputError(
                "`values` must have at least one field. Received: {}. Give "
                'a mapping such as {"text": texts}.'
            )
        self._columns = {
            field: _as_list(field, column) for field, column in values.items()
        }
        lengths = {field: len(c) for field, c in self._columns.items()}
        if len(set(lengths.values())) > 1:
            received = ", ".join(f"{k}: {n}" for k, n in lengths.items())
            raise InputError(
                "Every field must have the same number of values. Received: "
                f"{received}. Give one value per row to each."
            )
        self._num_rows = next(iter(lengths.values()))

    def __len__(self) -> int:
        return self._num_rows

    def __iter__(self) -> Iterator[Row]:
        fields = tuple(self._columns)
        rows = zip(*self._columns.values(), strict=True)
        for number, values in enumerate(rows, start=1):
            yield Row(dict(zip(fields, values, strict=True)), f"row {number}")


def check_reiterable(rows: Iterable[Row]) -> None:
    """Checks that rows can be read more than once.

    Raises:
        InputError: if they cannot.
    """
    if isinstance(rows, Iterator):
        raise InputError(
            "`rows` must be re-iterable, to be read once per epoch. Received: "
            f"{type(rows).__name__}, which is used up after one. Give "
            "FileRows or MemoryRows."
        )


def _as_list(field: str, column: Any) -> list:
    if hasattr(column, "tolist"):
        column = column.tolist()
    if not isinstance(column, Sequence) or isinstance(column, str | bytes):
        raise InputError(
            f"The field {field!r} must be a sequence of values. Received: "
            f"{type(column).__name__}. Put the values into a list."
        )
    return list(column)
