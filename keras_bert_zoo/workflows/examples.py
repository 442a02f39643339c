"""The examples that a workflow is given, as rows."""

import itertools
import os
import random
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from keras_bert_zoo import data
from keras_bert_zoo.data import validation_examples
from keras_bert_zoo.errors import InputError

_ROWS_BETWEEN = 1000


def read_examples(
    given: Any, head: Any, options: Mapping[str, Any], with_label: bool = True
) -> data.Examples:
    """Returns rows as a head, or its class, reads them.

    Args:
        given: path of a file, or what `TaskModel.fit` takes as
            `validation_data`.
        head: `TaskHead`, or its class where the head is yet to be made.
        options: a workflow's; `text_column`, `text_pair_column`,
            `label_column` and `data_format` are read, for files.
        with_label: bool. Whether the labels are read, too.

    Raises:
        InputError: if it is none of these, or the options do not suit.
    """
    # By position, whatever the task calls its fields.
    texts = [options["text_column"], options["text_pair_column"]]
    columns = _by_position(head.text_fields, texts)
    label_column = options["label_column"] if with_label else None
    if not isinstance(given, str | os.PathLike):
        columns |= _by_position(head.label_fields, [label_column])
        named = {k: v for k, v in columns.items() if v is not None}
        rows = validation_examples(data.settled(given), head, named)
        if rows is None:
            raise InputError(
                "Examples are the path of a file, a table, a list of mappings, "
                f"or a pair (texts, labels). Received: {type(given).__name__}. "
                "Put them into `MemoryExamples`, or into a file."
            )
        return rows
    if label_column and not head.label_fields:
        raise InputError(
            f"The head {head.name!r} learns from texts alone. Received: "
            f"label_column={label_column}. Leave it out."
        )
    if with_label:
        columns |= _by_position(head.label_fields, [label_column])
    if all((column or "").isdecimal() for column in columns.values()):
        columns = {field: int(column) for field, column in columns.items()}
    return head.read_file(os.fspath(given), columns, options["data_format"])


def training_examples(
    head: Any, options: Mapping[str, Any]
) -> dict[str, data.Examples]:
    """Returns the examples of `train` and, if there are any, `validation`.

    Args:
        head: as in `read_examples`.
        options: of `finetune`; beside those of `read_examples`, `train`,
            `validation`, `hold_out`, `limit` and `seed` are read.
    """
    found = {
        name: read_examples(options[name], head, options)
        for name in ("train", "validation")
        if options[name] is not None
    }
    if options["limit"] is not None:
        found = {
            name: FirstExamples(rows, options["limit"])
            for name, rows in found.items()
        }
    if options["hold_out"]:
        all_of_them = found["train"]
        for name, is_held_out in (("train", False), ("validation", True)):
            found[name] = HeldOut(
                all_of_them, options["hold_out"], options["seed"], is_held_out
            )
    return found


def summary(report: data.ExampleReport) -> str:
    """Returns in a line how many examples there are, of which labels."""
    labels = [f"{name}: {count}" for name, count in report.label_counts.items()]
    if len(labels) > 10:
        labels = [*labels[:10], f"and {len(labels) - 10} more labels"]
    counts = f" ({', '.join(labels)})" if labels else ""
    return f"{report.num_examples} examples{counts}"


class CountedExamples(data.Examples):
    """Rows that tell how many of them were read.

    Args:
        rows: re-iterable rows.
        progress: `Progress`.
        name: str. What the rows are called.
    """

    def __init__(self, rows: data.Examples, progress: Any, name: str):
        self._rows = rows
        self._progress = progress
        self._what = f"reading {name}"
        self.is_weighted = rows.is_weighted

    def __iter__(self) -> Iterator[data.Example]:
        self._progress.on_work(self._what)
        for number, row in enumerate(self._rows, start=1):
            if number % _ROWS_BETWEEN == 0:
                self._progress.on_work(self._what, number)
            yield row


def checked_rows(
    rows: data.Examples,
    head: Any,
    progress: Any,
    name: str,
    to_score: bool = True,
) -> tuple[data.Examples, data.ExampleReport]:
    """Returns rows, all of them checked, and what was found in them.

    Args:
        rows: labelled rows.
        head: `TaskHead`.
        progress: `Progress`, which hears how many were read.
        name: str. What the rows are called.
        to_score: bool. Whether they may have labels that the head does not
            know, see `data.checked_to_score`.
    """
    counted = CountedExamples(rows, progress, name)
    if not to_score:
        return rows, data.check_examples(counted, head)
    found, report = data.checked_to_score(counted, head)
    return (rows if found is counted else found), report


class FirstExamples(data.Examples):
    """The first rows of others.

    Args:
        rows: re-iterable rows.
        number: int. How many, at most.
    """

    def __init__(self, rows: data.Examples, number: int):
        self._rows = rows
        self._number = number
        self.is_weighted = rows.is_weighted

    def __iter__(self) -> Iterator[data.Example]:
        return itertools.islice(self._rows, self._number)


class HeldOut(data.Examples):
    """Some examples of others, or the rest, chosen by their position.

    Args:
        rows: re-iterable rows.
        fraction: float in (0, 1). Of examples that are held out, about.
        seed: int. Of the choice.
        is_held_out: bool. Whether these are the ones held out.
    """

    def __init__(
        self, rows: data.Examples, fraction: float, seed: int, is_held_out: bool
    ):
        self._rows = rows
        self._fraction = fraction
        self._seed = seed
        self._is_held_out = is_held_out
        self.is_weighted = rows.is_weighted

    def __iter__(self) -> Iterator[data.Example]:
        draws = random.Random(self._seed)
        for row in self._rows:
            if (draws.random() < self._fraction) == self._is_held_out:
                yield row


def _by_position(fields: Sequence[str], given: Sequence[str | None]) -> dict:
    return dict(itertools.zip_longest(fields, given[: len(fields)]))
