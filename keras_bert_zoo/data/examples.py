"""Examples: raw values with their origin, read and checked by a head."""

import abc
import dataclasses
import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

import numpy as np

from keras_bert_zoo import arguments
from keras_bert_zoo.data import containers
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.errors import ItemError
from keras_bert_zoo.errors import UnseenLabelError
from keras_bert_zoo.feature_names import SAMPLE_WEIGHT

MAX_COUNTED_LABELS = 1000
SHOWN_ORIGINS = 5
MAX_HASHED = 200_000
# So many with a label each of their own are no examples to classify.
MANY_EXAMPLES = 20

# A tag's letter that stands behind, or before another sign than a hyphen, or
# is no capital.
_ODD_TAG = re.compile(r"[BIESLU][_:./].+|.+[-_][BIESLU]|[biel]-.+")


class UnseenLabel(str):
    """The name of a label that a head does not know."""


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

    Attributes:
        is_weighted: bool. Whether examples have a field `sample_weight`, what
            they count in the loss.
    """

    is_weighted: bool = False

    @abc.abstractmethod
    def __iter__(self) -> Iterator[Example]:
        """Returns the examples from the first on."""

    def of_pass(self, number: int) -> Iterable[Example]:
        """Returns the examples of an epoch, as many in each.

        The same ones, unless a class draws them anew: those of epoch 0 are
        what iterating over it gives.

        Args:
            number: int. The epoch, from 0.
        """
        return self

    def digest(self) -> str:
        """Returns the digest of all values, in order, 16 hex digits.

        Values are texts, numbers, and lists of them.
        """
        digest = hashlib.blake2b(digest_size=8)
        for example in self:
            values = sorted(
                example.values.items(), key=lambda item: str(item[0])
            )
            digest.update(repr(values).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()


class MemoryExamples(Examples):
    """Examples from sequences in memory.

    Args:
        values: field name -> sequence of values (list, tuple, NumPy array,
            tensor, column of a data frame), all of one length. A field
            `sample_weight` is what each counts in the loss.

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
        self.is_weighted = SAMPLE_WEIGHT in self._columns

    def __len__(self) -> int:
        return self._num_examples

    def part(self, start: int, stop: int) -> "MemoryExamples":
        """Returns the examples from `start` on, `stop` not among them."""
        return MemoryExamples(
            {field: c[start:stop] for field, c in self._columns.items()}
        )

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
    values = column if isinstance(column, list) else containers.column(column)
    if values is None:
        raise InputError(
            f"The field {field!r} must be a sequence of values. Received: "
            f"{type(column).__name__}. Put the values into a list."
        )
    return values


def read_examples(
    examples: Iterable[Example], head: Any, with_label: bool
) -> Iterator[dict]:
    """Yields what `head.example` makes of each example, texts as UTF-8 bytes.

    Raises:
        InputError: if an example breaks a rule, naming its origin.
    """
    spec = head.example_spec(with_label)
    texts = [name for name, (dtype, _) in spec.items() if dtype == "string"]
    for example in examples:
        try:
            fields = dict(head.example(example.values, with_label))
        except InputError as error:
            is_unseen = isinstance(error, UnseenLabelError)
            kind = UnseenLabelError if is_unseen else InputError
            raise kind(f"{example.origin_of(error)}: {error}") from error
        for name in texts:
            fields[name] = _encode(fields[name], name, example.origin)
        if with_label and SAMPLE_WEIGHT in example.values:
            fields[SAMPLE_WEIGHT] = _weight(example)
        yield fields


def _weight(example: Example) -> float:
    rule = "a finite number of at least 0"
    weight = example.values[SAMPLE_WEIGHT]
    try:
        number = arguments.finite_number(SAMPLE_WEIGHT, weight, rule)
    except InputError as error:
        raise InputError(f"{example.origin}: {error}") from error
    if number < 0:
        raise InputError(
            f"{example.origin}: `{SAMPLE_WEIGHT}` must be {rule}. Received: "
            f"{weight!r}. 0 leaves the example out of the loss."
        )
    return number


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


@dataclasses.dataclass(frozen=True)
class ExampleReport:
    """What `check_examples` found in a data set.

    Attributes:
        num_examples: int.
        label_counts: raw value of the head's first label field -> how often it
            occurs, in examples or in lists of an example, most frequent first;
            empty without labels, for scores (labels of one float), and above
            `MAX_COUNTED_LABELS` values.
        remarks: what the head remarks -> origins of the examples, in order.
        label_origins: label -> origin of the first example that has it.
        text_hashes: hash of an example's texts -> origin of the first; of at
            most `MAX_HASHED` different ones.
    """

    num_examples: int
    label_counts: Mapping[str, int]
    remarks: Mapping[str, Sequence[str]]
    label_origins: Mapping[str, str] = dataclasses.field(default_factory=dict)
    text_hashes: Mapping[int, str] = dataclasses.field(default_factory=dict)

    @property
    def num_texts(self) -> int:
        """Different texts, up to `MAX_HASHED`."""
        return len(self.text_hashes)

    def remark_lines(self) -> list[str]:
        """Returns a line for each remark, with the first examples of it."""
        lines = []
        for remark, origins in self.remarks.items():
            lines.append(
                f"{len(origins)} of {self.num_examples} examples: {remark} "
                f"({listed_origins(origins)})"
            )
        return lines


def listed_origins(origins: Sequence[str]) -> str:
    """Returns the first origins of examples, and how many more there are."""
    more = len(origins) - SHOWN_ORIGINS
    shown = "; ".join(origins[:SHOWN_ORIGINS])
    return f"{shown}; and {more} more" if more > 0 else shown


def slips_of(report: ExampleReport) -> list[str]:
    """Returns a line for each kind of probable slip in labels and texts.

    They are said, not mended.

    Args:
        report: what `check_examples` found.
    """
    counts, origins = report.label_counts, report.label_origins
    lines = []
    groups: dict[str, list[str]] = {}
    for label in counts:
        groups.setdefault(_key(label), []).append(label)
    for names in groups.values():
        if len(names) > 1:
            shown = ", ".join(_shown(name, counts, origins) for name in names)
            lines.append(
                f"labels that are nearly the same are different ones: {shown}"
            )
    once = [name for name, count in counts.items() if count == 1]
    if len(once) == len(counts) == report.num_examples >= MANY_EXAMPLES:
        lines.append(
            f"each of {len(once)} examples has a label of its own, such as "
            f"{once[0]!r}: is it the right column?"
        )
    if once and len(counts) > len(once):
        lines.append(
            f"{len(once)} of {len(counts)} labels occur once: "
            + ", ".join(f"{n!r} ({origins[n]})" for n in once[:SHOWN_ORIGINS])
            + (", ..." if len(once) > SHOWN_ORIGINS else "")
        )
    odd = [name for name in counts if _ODD_TAG.fullmatch(name)]
    if odd and "O" in counts:
        shown = ", ".join(
            _shown(one, counts, origins) for one in odd[:SHOWN_ORIGINS]
        )
        lines.append(
            "tags are read as they stand, and spell spans as B-TYPE and "
            f"I-TYPE alone: {shown}"
        )
    if report.num_texts == 1 and report.num_examples > 1:
        lines.append(f"all {report.num_examples} texts are the same")
    return lines


def overlap_of(reports: Mapping[str, ExampleReport]) -> list[str]:
    """Returns a line if texts to train on are validated on, too.

    Args:
        reports: on `train` and, if there are any, on `validation`.
    """
    if "validation" not in reports:
        return []
    train, validation = (reports[name] for name in ("train", "validation"))
    shared = train.text_hashes.keys() & validation.text_hashes.keys()
    if not shared:
        return []
    places = [validation.text_hashes[one] for one in shared]
    return [
        f"{len(shared)} different texts of {validation.num_texts} to validate "
        f"on are among those to train on ({listed_origins(sorted(places))})"
    ]


def _key(label: str) -> str:
    """Returns what labels have in common that differ by a slip."""
    key = " ".join(label.split()).casefold()
    return re.sub(r"^(-?\d+)\.0+$", r"\1", key)


def _shown(
    label: str, counts: Mapping[str, int], origins: Mapping[str, str]
) -> str:
    return f"{label!r} ({counts[label]}, {origins[label]})"


def check_examples(
    examples: Iterable[Example], head: Any, with_label: bool = True
) -> ExampleReport:
    """Reads every example once and checks it with the head.

    Args:
        examples: re-iterable examples.
        head: `TaskHead`, whose `example` checks an example.
        with_label: bool. Whether label fields are checked too.

    Raises:
        InputError: at the first wrong example, naming its origin; or if there
            is none at all.
    """
    check_reiterable(examples)
    watched = _WatchedExamples(examples, head) if with_label else examples
    num_examples = sum(1 for _ in read_examples(watched, head, with_label))
    if num_examples == 0:
        raise InputError(
            "A data set must have at least one example. Received: none. Give "
            "it some texts."
        )
    if not with_label:
        return ExampleReport(num_examples, {}, {})
    counts = watched.counts
    if len(counts) > MAX_COUNTED_LABELS:
        counts = Counter()
    return ExampleReport(
        num_examples,
        dict(counts.most_common()),
        watched.remarks,
        watched.label_origins,
        watched.text_hashes,
    )


def _counted_field(head: Any) -> str | None:
    if not head.label_fields:
        return None
    field = head.label_fields[0]
    spec = head.example_spec(True)
    if field not in spec:
        return None
    dtype, shape = spec[field]
    is_score = dtype.startswith("float") and not shape
    return None if is_score else field


class _WatchedExamples:
    """Passes examples on, counts labels and keeps what the head remarks."""

    def __init__(self, examples: Iterable[Example], head: Any):
        self._examples = examples
        self._head = head
        self._field = _counted_field(head)
        self.counts: Counter = Counter()
        self.remarks: dict[str, list[str]] = {}
        self.label_origins: dict[str, str] = {}
        self.text_hashes: dict[int, str] = {}
        self._texts = (*head.text_fields, *head.other_fields)

    def __iter__(self) -> Iterator[Example]:
        for example in self._examples:
            yield example
            # Only now: the example has been found to be in order.
            self._count(example)
            # An objective's examples are made of tokens.
            if self._texts and len(self.text_hashes) < MAX_HASHED:
                texts = [str(example.values.get(one)) for one in self._texts]
                self.text_hashes.setdefault(hash(tuple(texts)), example.origin)
            remark = self._head.remark(example.values)
            if remark is not None:
                self.remarks.setdefault(remark, []).append(example.origin)

    def _count(self, example: Example) -> None:
        if self._field is None or len(self.counts) > MAX_COUNTED_LABELS:
            return
        value = example.values.get(self._field)
        # The label is given otherwise, or is probabilities of some.
        if value is None or isinstance(value, Mapping):
            return
        is_list = isinstance(value, list | tuple)
        for label in map(str, value if is_list else [value]):
            self.counts[label] += 1
            self.label_origins.setdefault(label, example.origin)


def as_examples(
    x: Any,
    y: Any,
    head: Any,
    sample_weight: Any = None,
    columns: Mapping[str, str] | None = None,
    with_label: bool = True,
):
    """Returns texts as examples; `None` for what is no text, such as tensors.

    Args:
        x: examples; or texts, tuples of texts where the head reads more than
            one, pairs of a text and its label, or mappings of fields: in a
            list, tuple, array, tensor, column or table of a data frame,
            `tf.data.Dataset`, `PyDataset`, or what `containers.settled` made
            of a generator.
        y: labels of the texts, or `None`.
        head: `TaskHead`, which reads them.
        sample_weight: what each counts in the loss, or `None`.
        columns: of a table: field name -> name of the column; `None` where
            they have the names of the head's fields.
        with_label: bool. Whether labels are wanted, so that a list may have
            pairs of a text and its label.

    Raises:
        InputError: if texts are given in another form than the head reads.
    """
    if isinstance(x, Examples):
        if y is not None or sample_weight is not None or columns:
            raise InputError(
                "Examples bring their own labels, weights and fields. "
                "Received: examples, and `y`, `sample_weight` or `columns`. "
                "Leave those out, or give a list of texts."
            )
        return x
    if type(x) not in (list, tuple):
        held = containers.unpacked(x, y, sample_weight, head, columns)
        if held is None:
            return None
        x, y, sample_weight = held
    elif columns:
        raise InputError(
            "`columns` names those of a table. Received: "
            f"columns={dict(columns)}, for a {type(x).__name__}. Leave it out."
        )
    if len(x) and not isinstance(x, Mapping) and isinstance(x[0], Mapping):
        if sample_weight is not None:
            raise InputError(
                "Examples that are mappings bring their own weights. Received: "
                "mappings, and `sample_weight`. Put each weight into its "
                f"mapping, as {SAMPLE_WEIGHT!r}."
            )
        return _mappings(x, y)
    if isinstance(x, Mapping):
        values = dict(x)
    else:
        if with_label and y is None and head.label_fields:
            x, y, sample_weight = _unzipped(x, sample_weight, head)
        values = _text_columns(x, head)
    if y is not None:
        if not head.label_fields:
            raise InputError(
                f"The head {head.name!r} learns from texts alone. Received: "
                "labels in `y`. Leave them out."
            )
        values[head.label_fields[0]] = y
    if sample_weight is not None:
        values[SAMPLE_WEIGHT] = sample_weight
    return MemoryExamples(values)


def settled(x: Any) -> Any:
    """Returns a generator of texts as what `as_examples` takes.

    Anything else is returned as it is, see `containers.settled`.
    """
    return containers.settled(x) if isinstance(x, Iterator) else x


def validation_examples(
    given: Any, head: Any, columns: Mapping[str, str] | None = None
):
    """Returns validation data as examples; `None` for what is no text.

    Args:
        given: what `as_examples` takes, or a tuple `(x, y)` of it, or
            `(x, y, sample_weight)`.
        head: `TaskHead`, which reads them.
        columns: see `as_examples`.

    Raises:
        InputError: as `as_examples`, or if a tuple with texts is no pair.
    """
    parts = given if isinstance(given, tuple) else (given, None)
    if isinstance(given, Examples):
        return given
    x, y, sample_weight = (*parts, None, None, None)[:3]
    examples = as_examples(x, y, head, sample_weight, columns)
    if examples is not None and not 2 <= len(parts) <= 3:
        raise InputError(
            "Validation data of texts are a pair (texts, labels), or weights "
            f"as a third. Received: a tuple of {len(parts)}. "
            + (
                "Add the labels, or give examples, which bring their own."
                if len(parts) == 1
                else "Leave out the rest."
            )
        )
    return examples


def _mappings(x: Any, y: Any):
    if y is not None:
        raise InputError(
            "Examples that are mappings bring their own labels. Received: "
            f"{x[0]!r} first, and `y`. Put each label into its mapping."
        )
    for index, example in enumerate(x):
        if not isinstance(example, Mapping) or set(example) != set(x[0]):
            raise InputError(
                "Examples that are mappings must have the same fields, labels "
                f"among them. Received: {x[0]!r} first, and {example!r} as "
                f"example {index + 1}. Put each label into its mapping."
            )
    return MemoryExamples(
        {field: [example[field] for example in x] for field in x[0]}
    )


def _unzipped(x: Any, sample_weight: Any, head: Any) -> tuple:
    """Takes pairs of a text and its label apart, or triples with a weight."""
    is_text = str if len(head.text_fields) == 1 else list | tuple
    if not len(x) or not all(
        isinstance(one, tuple)
        and len(one) in (2, 3)
        and len(one) == len(x[0])
        and isinstance(one[0], is_text)
        for one in x
    ):
        return x, None, sample_weight
    x, y, *weights = map(list, zip(*x))
    return x, y, *(weights or [sample_weight])


def _text_columns(x: Any, head: Any) -> dict:
    fields = head.text_fields
    is_one = len(fields) == 1
    for index, example in enumerate(x):
        if not (
            isinstance(example, str) if is_one else _has(example, len(fields))
        ):
            form = "a text" if is_one else f"{len(fields)} texts"
            raise InputError(
                f"The head {head.name!r} reads {form} per example "
                f"({', '.join(fields)}). Received: {example!r} of type "
                f"{type(example).__name__} as example {index + 1}. Give a list "
                "of " + ("strings." if is_one else "tuples of strings.")
            )
    if is_one:
        return {fields[0]: list(x)}
    return {
        field: [example[n] for example in x] for n, field in enumerate(fields)
    }


def _has(example: Any, num_texts: int) -> bool:
    is_sequence = isinstance(example, list | tuple | np.ndarray)
    return is_sequence and len(example) == num_texts
