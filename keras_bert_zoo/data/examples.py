"""Examples: raw values with their origin, and what a head makes of them."""

import abc
import hashlib
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


def digest_of(rows: Iterable[Row]) -> str:
    """Returns 16 hexadecimal digits that follow from all values, in order.

    Args:
        rows: rows whose values are texts, numbers, and lists of them.
    """
    found = hashlib.blake2b(digest_size=8)
    for row in rows:
        values = sorted(row.values.items(), key=lambda item: str(item[0]))
        found.update(repr(values).encode("utf-8", "surrogatepass"))
    return found.hexdigest()


def read_examples(
    rows: Iterable[Row], head: Any, with_label: bool
) -> Iterator[dict]:
    """Yields what `head.example` makes of each row, texts as UTF-8 bytes.

    Raises:
        InputError: if a row breaks a rule, naming its origin, or if `rows`
            can be read only once.
    """
    check_reiterable(rows)
    spec = head.example_spec(with_label)
    texts = [name for name, (dtype, _) in spec.items() if dtype == "string"]
    for row in rows:
        try:
            example = dict(head.example(row.values, with_label))
        except InputError as error:
            raise InputError(f"{row.place_of(error)}: {error}") from error
        for name in texts:
            example[name] = _encode(example[name], name, row.origin)
        yield example


def _encode(text: str, name: str, origin: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        code = ord(text[error.start])
        raise InputError(
            f"{origin}: {name!r} must be valid Unicode. Received: the lone "
            f"surrogate U+{code:04X} at character {error.start + 1}. Write "
            "both halves of the pair, or remove it."
        ) from error
