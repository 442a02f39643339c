"""The page around the parts of a report."""

from keras_bert_zoo.reporting.markup import Markup
from keras_bert_zoo.reporting.markup import element

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
table { border-collapse: collapse; }
th, td { border-bottom: 1px solid var(--line); padding: .25rem .75rem;
  text-align: left; vertical-align: top; overflow-wrap: break-word; }
th { font-weight: 600; } tbody th { min-width: 4rem;
  overflow-wrap: anywhere; } .number { text-align: right; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
"""


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
