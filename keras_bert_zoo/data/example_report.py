"""One look at every row before work begins."""

import dataclasses
from collections import Counter
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from keras_bert_zoo.data.examples import Row
from keras_bert_zoo.data.examples import check_reiterable
from keras_bert_zoo.data.examples import read_examples
from keras_bert_zoo.errors import InputError

MAX_COUNTED_LABELS = 1000
SHOWN_ORIGINS = 5


@dataclasses.dataclass(frozen=True)
class RowReport:
    """What a pass over all rows found.

    Attributes:
        num_rows: int.
        label_counts: raw value of the head's first label field -> how often
            it occurs, in rows or in lists of a row, most frequent first;
            empty without labels, for scores (labels of one float), and above
            `MAX_COUNTED_LABELS` values.
        remarks: what the head remarks -> origins of the rows, in order.
    """

    num_rows: int
    label_counts: Mapping[str, int]
    remarks: Mapping[str, Sequence[str]]

    def remark_lines(self) -> list[str]:
        """Returns a line for each remark, with the first rows it is about."""
        lines = []
        for remark, origins in self.remarks.items():
            lines.append(
                f"{len(origins)} of {self.num_rows} rows: {remark} "
                f"({listed_origins(origins)})"
            )
        return lines


def listed_origins(origins: Sequence[str]) -> str:
    """Returns the first origins of rows, and how many more there are."""
    more = len(origins) - SHOWN_ORIGINS
    shown = "; ".join(origins[:SHOWN_ORIGINS])
    return f"{shown}; and {more} more" if more > 0 else shown


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
    watched = _WatchedRows(rows, head) if with_label else rows
    num_rows = sum(1 for _ in read_examples(watched, head, with_label))
    if num_rows == 0:
        raise InputError(
            "A data set must have at least one row. Received: none. Give it "
            "some texts."
        )
    if not with_label:
        return RowReport(num_rows, {}, {})
    counts = watched.counts
    if len(counts) > MAX_COUNTED_LABELS:
        counts = Counter()
    return RowReport(num_rows, dict(counts.most_common()), watched.remarks)


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


class _WatchedRows:
    """Passes rows on, counts labels and keeps what the head remarks."""

    def __init__(self, rows: Iterable[Row], head: Any):
        self._rows = rows
        self._head = head
        self._field = _counted_field(head)
        self.counts: Counter = Counter()
        self.remarks: dict[str, list[str]] = {}

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            yield row
            # Only now: the row has been found to be in order.
            self._count(row)
            remark = self._head.remark(row.values)
            if remark is not None:
                self.remarks.setdefault(remark, []).append(row.origin)

    def _count(self, row: Row) -> None:
        if self._field is None or len(self.counts) > MAX_COUNTED_LABELS:
            return
        value = row.values.get(self._field)
        if value is None:  # the label is given otherwise
            return
        is_list = isinstance(value, list | tuple)
        self.counts.update(map(str, value if is_list else [value]))
