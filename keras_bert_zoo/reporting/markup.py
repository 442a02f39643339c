"""Elements of HTML and SVG, in which every text is escaped."""

import html

_VOID = ("meta",)


class Markup(str):
    """Text that is markup already, and is not escaped again."""


def element(
    tag: str, *children: str, **attributes: str | int | float
) -> Markup:
    """Returns an element.

    Args:
        tag: str.
        *children: `Markup`, or texts, which are escaped.
        **attributes: with `_` for `-`, and at the end of names that Python
            has taken, such as `class_`.
    """
    shown = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"'
        for name, value in attributes.items()
    )
    if tag in _VOID:
        return Markup(f"<{tag}{shown}>")
    inside = "".join(map(_escaped, children))
    return Markup(f"<{tag}{shown}>{inside}</{tag}>")


def _escaped(child: str) -> str:
    return child if isinstance(child, Markup) else html.escape(child)
