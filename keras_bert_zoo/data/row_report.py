"""One look at every row before work begins."""

import dataclasses
from collections import Counter
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from keras_bert_zoo.data.examples import read_examples
from keras_bert_zoo.data.rows import Row
from keras_bert_zoo.data.rows import check_reiterable
from keras_bert_zoo.errors import InputError

MAX_COUNTED_LABELS = 1000


@dataclasses.dataclass(frozen=True)
class RowReport:
    """What a pass over all rows found.

    Attributes:
        num_rows: int.
        label_counts: raw value of the head's first label field -> how often
            it occurs, in rows or in lists of a row, most frequent first;
            empty without labels, for scores (labels of one float), and above
            `MAX_COUNTED_LABELS` values.
    """

    num_rows: int
    label_counts: Mapping[str, int]


def check_rows(
    rows: Iterable[Row], head: Any, with_label: bool = True
) -> RowReport:
    """Reads every row once and holds it against the head.

    Args:
        rows: re-iterable rows.
        head: `TaskHead`, whose `example` checks a row.
        with_label: bool. Whether label fields are checked too.

    Raises:
        InputError: at the first wrong row, naming its origin; or if there
            is none at all.
    """
    check_reiterable(rows)
    field = _counted_field(head) if with_label else None
    watched = _CountedRows(rows, field) if field else rows
    num_rows = sum(1 for _ in read_examples(watched, head, with_label))
    if num_rows == 0:
        raise InputError(
            "A data set must have at least one row. Received: none. Give it "
            "some texts."
        )
    counts = watched.counts if field else Counter()
    if len(counts) > MAX_COUNTED_LABELS:
        counts = Counter()
    return RowReport(num_rows, dict(counts.most_common()))


def _counted_field(head: Any) -> str | None:
    if not head.label_fields:
        return None
    field = head.label_fields[0]
    dtype, shape = head.example_spec(True).get(field, ("string", ()))
    is_score = dtype.startswith("float") and not shape
    return None if is_score else field


class _CountedRows:
    """Passes rows on and counts the values of one field."""

    def __init__(self, rows: Iterable[Row], field: str):
        self._rows = rows
        self._field = field
        self.counts: Counter = Counter()

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            if len(self.counts) <= MAX_COUNTED_LABELS:
                value = row.values.get(self._field)
                is_list = isinstance(value, list | tuple)
                self.counts.update(map(str, value if is_list else [value]))
            yield row
