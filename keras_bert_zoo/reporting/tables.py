"""Tables as HTML."""

from collections.abc import Mapping
from typing import Any

from keras_bert_zoo.reporting.markup import Markup
from keras_bert_zoo.reporting.markup import element
from keras_bert_zoo.task.report_tables import Table

SHOWN_CHARACTERS = 240


def table(given: Table) -> Markup:
    """Returns a table with its title; long texts lose their ends."""
    head = element(
        "tr", *(element("th", name, scope="col") for name in given.columns)
    )
    rows = [
        element(
            "tr",
            element("th", text_of(first), scope="row"),
            *(_cell(value) for value in others),
        )
        for first, *others in given.rows
    ]
    return element(
        "div",
        element(
            "table",
            element("caption", given.title),
            element("thead", head),
            element("tbody", *rows),
        ),
        class_="wide",
    )


def facts(title: str, values: Mapping[str, Any]) -> Markup:
    """Returns a table of names and what they stand for."""
    return table(Table(title, ("name", "value"), list(values.items())))


def text_of(value: Any) -> str:
    """Returns a value as it is shown: numbers with five digits."""
    if isinstance(value, float):
        return f"{value:.5g}"
    text = str(value)
    if len(text) > SHOWN_CHARACTERS:
        return text[: SHOWN_CHARACTERS - 1] + "…"
    return text


def _cell(value):
    if isinstance(value, int | float):
        return element("td", text_of(value), class_="number")
    return element("td", text_of(value))
