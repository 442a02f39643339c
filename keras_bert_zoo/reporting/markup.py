"""HTML and SVG: elements, tables and the page, every text escaped."""

import html
import numbers
from collections.abc import Mapping
from typing import Any

from keras_bert_zoo.task.report_tables import MarkedText
from keras_bert_zoo.task.report_tables import Table

SHOWN_CHARACTERS = 240
# More columns of numbers than these are wider than a page.
MOST_COLUMNS = 8
# From here on floats are not exact.
LARGEST_WHOLE = 2**53
_VOID = ("meta",)
_STYLE = """
:root { color-scheme: light dark; --ink: #1c2127; --page: #ffffff;
  --line: #c9d1d9; --curve-0: #0b5cad; --curve-1: #b34700; }
@media (prefers-color-scheme: dark) { :root { --ink: #e2e7ec;
  --page: #14181d; --line: #3b444e; --curve-0: #6cb2ff; --curve-1: #ffa257; } }
@media print { :root { --ink: #000000; --page: #ffffff; --line: #aaaaaa;
  --curve-0: #0b5cad; --curve-1: #b34700; }
  figure, tr { break-inside: avoid; } }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 1rem 1.5rem 3rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2.5rem; }
.charts { display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); }
figure { margin: 0; } figcaption, caption { font-weight: 600;
  text-align: left; }
svg { width: 100%; height: auto; font-size: 12px; fill: var(--ink); }
.grid { stroke: var(--line); } .axis { stroke: var(--ink); }
polyline { fill: none; stroke-width: 2; }
polyline.curve-0 { stroke: var(--curve-0); }
polyline.curve-1 { stroke: var(--curve-1); stroke-dasharray: 7 4; }
circle.curve-0 { fill: var(--curve-0); }
circle.curve-1 { fill: var(--curve-1); }
.key { border-bottom: 3px solid; margin-right: 1rem; }
.key.curve-0 { border-color: var(--curve-0); }
.key.curve-1 { border-color: var(--curve-1); border-bottom-style: dashed; }
.wide { overflow-x: auto; margin: 1rem 0 1.5rem; }
table { border-collapse: collapse; max-width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: .25rem .6rem;
  text-align: left; vertical-align: top; overflow-wrap: anywhere; }
th { font-weight: 600; } tbody th { min-width: 4rem; }
.number { text-align: right; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
td > div + div { margin-top: .25rem; }
mark { background: none; color: inherit; border: 1px solid var(--line);
  border-radius: 3px; padding: 0 .2rem; } mark b { font-size: .75em; }
"""


class Markup(str):
    """Text that is markup already, and is not escaped again."""


def element(
    tag: str, *children: str, **attributes: str | int | float
) -> Markup:
    """Returns an element.

    Args:
        tag: str.
        *children: `Markup`, or texts, which are escaped.
        **attributes: with `_` for `-`, and at the end of names that are
            Python's, such as `class_`.
    """
    shown = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"'
        for name, value in attributes.items()
    )
    if tag in _VOID:
        return Markup(f"<{tag}{shown}>")
    inside = "".join(map(_escaped, children))
    return Markup(f"<{tag}{shown}>{inside}</{tag}>")


def page(title: str, *sections: Markup) -> str:
    """Returns a whole document."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element(
            "meta",
            name="viewport",
            content="width=device-width, initial-scale=1",
        ),
        element("title", title),
        element("style", Markup(_STYLE)),
    )
    main = element("main", element("h1", title), *sections)
    return "<!DOCTYPE html>\n" + element(
        "html", head, element("body", main), lang="en"
    )


def section(title: str, *children: Markup) -> Markup:
    """Returns a part of the page under a heading."""
    return element("section", element("h2", title), *children)


def table(content: Table) -> Markup:
    """Returns a table with its title; long texts are cut.

    One with more columns than a page holds is cut into tables below each
    other, each with the rows' names.
    """
    first, *others = content.columns
    step = MOST_COLUMNS - 1
    if len(others) <= step:
        return _table(content)
    parts = [
        Table(
            content.title if not start else f"{content.title}, continued",
            (first, *others[start : start + step]),
            [
                (name, *values[start : start + step])
                for name, *values in content.rows
            ],
        )
        for start in range(0, len(others), step)
    ]
    return element("div", *map(_table, parts))


def _table(content: Table) -> Markup:
    head = element(
        "tr", *(element("th", name, scope="col") for name in content.columns)
    )
    rows = [
        element(
            "tr",
            element("th", text_of(first), scope="row"),
            *(_cell(value) for value in others),
        )
        for first, *others in content.rows
    ]
    return element(
        "div",
        element(
            "table",
            element("caption", content.title),
            element("thead", head),
            element("tbody", *rows),
        ),
        class_="wide",
    )


def facts(title: str, values: Mapping[str, Any]) -> Markup:
    """Returns a table of names and values."""
    return table(Table(title, ("name", "value"), list(values.items())))


def text_of(value: Any) -> str:
    """Returns a value as it is shown: numbers with five digits.

    Whole ones, of whatever type, have all of theirs.
    """
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        number = float(value)
        if number.is_integer() and abs(number) < LARGEST_WHOLE:
            return str(int(number))
        return f"{number:.5g}"
    text = str(value)
    if len(text) > SHOWN_CHARACTERS:
        return text[: SHOWN_CHARACTERS - 1] + "…"
    return text


def _cell(value):
    if isinstance(value, MarkedText):
        return element("td", *(_marked(line) for line in value.lines))
    if isinstance(value, numbers.Real):
        return element("td", text_of(value), class_="number")
    return element("td", text_of(value))


def _marked(line):
    parts = [
        element("mark", text, " ", element("b", name))
        if name
        else html.escape(text)
        for text, name in line
    ]
    return element("div", *map(Markup, parts))


def _escaped(child: str) -> str:
    return child if isinstance(child, Markup) else html.escape(child)
