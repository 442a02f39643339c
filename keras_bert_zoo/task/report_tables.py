"""Tables on the answers to labelled examples, for a report to people.

A head may have a method `report_tables(examples, answers)`, with the arguments
of `TaskHead.score`, that returns a list of `Table`. Of a head without one, the
numbers of its `score` are shown.
"""

import heapq
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

SHOWN_MISTAKES = 20


class MarkedText(NamedTuple):
    """Lines of text, parts of which are marked with a name.

    Attributes:
        lines: of parts, `(text, name)` each, in reading order; the name is
            empty where the text is not marked.
    """

    lines: Sequence[Sequence[tuple[str, str]]]


class Table(NamedTuple):
    """Numbers and names under a heading.

    Attributes:
        title: str.
        columns: what stands above each column; the first one names the rows.
        rows: as many texts, marked texts or numbers each.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str | int | float | MarkedText]]


class Mistake(NamedTuple):
    """A wrong answer.

    Attributes:
        origin: str. Where the example stands.
        text: str. What was asked.
        expected, received: str. The right answer, and the one given.
        weight: float. How wrong it is.
    """

    origin: str
    text: str
    expected: str
    received: str
    weight: float


def report_tables(
    head: Any, examples: Iterable, answers: Iterable[dict]
) -> list:
    """Returns a head's tables.

    Args:
        head: `TaskHead`, with or without `report_tables`.
        examples, answers: as for `TaskHead.score`.
    """
    if hasattr(head, "report_tables"):
        return head.report_tables(examples, answers)
    return score_tables(head.score(examples, answers))


def mistake_tables(mistakes: Iterable[Mistake], weight: str) -> list[Table]:
    """Returns a table of the worst mistakes; none if there are none.

    Args:
        mistakes: in any order.
        weight: str. What their weight is.
    """
    worst = heapq.nlargest(SHOWN_MISTAKES, mistakes, key=lambda m: m.weight)
    columns = ("example", "text", "expected", "received", weight)
    return [Table("Worst mistakes", columns, worst)] if worst else []


def score_tables(
    score: Mapping[str, Any], title: str = "Scores"
) -> list[Table]:
    """Returns tables of what a head's `score` returned.

    Numbers stand in one table; groups of numbers are rows of another, and
    groups of groups have tables of their own.
    """
    groups = {k: v for k, v in score.items() if isinstance(v, Mapping)}
    numbers = [(k, v) for k, v in score.items() if k not in groups]
    nested = {
        name: group
        for name, group in groups.items()
        if any(isinstance(value, Mapping) for value in group.values())
    }
    flat = {k: v for k, v in groups.items() if k not in nested}
    columns = list(dict.fromkeys(key for one in flat.values() for key in one))
    tables = []
    if numbers:
        tables.append(Table(title, ("measure", "value"), numbers))
    if columns:
        rows = [
            (name, *(group.get(column, "") for column in columns))
            for name, group in flat.items()
        ]
        tables.append(Table(title, ("", *columns), rows))
    for name, group in nested.items():
        tables += score_tables(group, f"{title}: {name}")
    return tables
