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


class Example(NamedTuple):
    """One example before any processing.

    Attributes:
        values: field name -> raw value.
        origin: where it stands, such as `train.tsv:17` or `example 3`;
            both count from 1.
        item_origins: where each item of the example's lists stands, if each is
            on a line of its own; or empty.
    """

    values: Mapping[str, Any]
    origin: str
    item_origins: Sequence[str] = ()

    def origin_of(self, error: InputError) -> str:
        """Returns where the mistake stands, to the line."""
        if isinstance(error, ItemError) and self.item_origins:
            return self.item_origins[error.item]
        return self.origin


class Examples(abc.ABC):
    """A data set that can be iterated again and again, once per epoch.

    `fit`, `evaluate` and `predict_text` take examples of any such class.
    """

    @abc.abstractmethod
    def __iter__(self) -> Iterator[Example]:
        """Returns the examples from the first on."""


class MemoryExamples(Examples):
    """Examples from sequences in memory.

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
                f"{received}. Give one value per example to each."
            )
        self._num_examples = next(iter(lengths.values()))

    def __len__(self) -> int:
        return self._num_examples

    def __iter__(self) -> Iterator[Example]:
        fields = tuple(self._columns)
        columns = self._columns.values()
        for number, values in enumerate(zip(*columns, strict=True), start=1):
            yield Example(
                dict(zip(fields, values, strict=True)), f"example {number}"
            )


def check_reiterable(examples: Iterable[Example]) -> None:
    """Checks that examples can be read more than once.

    Raises:
        InputError: if they cannot.
    """
    if isinstance(examples, Iterator):
        raise InputError(
            "`examples` must be re-iterable, to be read once per epoch. "
            f"Received: {type(examples).__name__}, which is used up after one. "
            "Give FileExamples or MemoryExamples."
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


def digest_of(examples: Iterable[Example]) -> str:
    """Returns the digest of a data set: all values, in order, 16 hex digits.

    Args:
        examples: examples whose values are texts, numbers, and lists of them.
    """
    digest = hashlib.blake2b(digest_size=8)
    for example in examples:
        values = sorted(example.values.items(), key=lambda item: str(item[0]))
        digest.update(repr(values).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def read_examples(
    examples: Iterable[Example], head: Any, with_label: bool
) -> Iterator[dict]:
    """Yields what `head.example` makes of each example, texts as UTF-8 bytes.

    Raises:
        InputError: if an example breaks a rule, naming its origin, or if
            `examples` can be read only once.
    """
    check_reiterable(examples)
    spec = head.example_spec(with_label)
    texts = [name for name, (dtype, _) in spec.items() if dtype == "string"]
    for example in examples:
        try:
            fields = dict(head.example(example.values, with_label))
        except InputError as error:
            raise InputError(f"{example.origin_of(error)}: {error}") from error
        for name in texts:
            fields[name] = _encode(fields[name], name, example.origin)
        yield fields


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
