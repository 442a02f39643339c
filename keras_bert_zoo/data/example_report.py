"""A check of every example before work begins, and what it found."""

import dataclasses
from collections import Counter
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from keras_bert_zoo.data.examples import Example
from keras_bert_zoo.data.examples import check_reiterable
from keras_bert_zoo.data.examples import read_examples
from keras_bert_zoo.errors import InputError

MAX_COUNTED_LABELS = 1000
SHOWN_ORIGINS = 5


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
    """

    num_examples: int
    label_counts: Mapping[str, int]
    remarks: Mapping[str, Sequence[str]]

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
        num_examples, dict(counts.most_common()), watched.remarks
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

    def __iter__(self) -> Iterator[Example]:
        for example in self._examples:
            yield example
            # Only now: the example has been found to be in order.
            self._count(example)
            remark = self._head.remark(example.values)
            if remark is not None:
                self.remarks.setdefault(remark, []).append(example.origin)

    def _count(self, example: Example) -> None:
        if self._field is None or len(self.counts) > MAX_COUNTED_LABELS:
            return
        value = example.values.get(self._field)
        if value is None:  # the label is given otherwise
            return
        is_list = isinstance(value, list | tuple)
        self.counts.update(map(str, value if is_list else [value]))
