"""Curves as inline SVG."""

import math
from collections.abc import Mapping
from collections.abc import Sequence

from keras_bert_zoo.reporting.markup import Markup
from keras_bert_zoo.reporting.markup import element

WIDTH, HEIGHT = 480, 260
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 16, 40
NUM_TICKS = 5
# Curves with more points are lines without marks.
MARKED_POINTS = 50
# Differences of numbers in this range can be computed, and their steps.
LARGEST, LEAST = 1e300, 1e-300
# Values closer than this fraction of their size are drawn as one.
CLOSE = 1e-9

Points = Sequence[tuple[float, float]]


def line_chart(
    title: str, curves: Mapping[str, Points], x_label: str
) -> Markup:
    """Returns a chart of curves with its legend, or a note that it is empty.

    Args:
        title: str. With the ends of the curves, it is what screen readers
            read.
        curves: name -> points `(x, y)` in order of x. Where y is not finite,
            or beyond `LARGEST`, they are left out.
        x_label: str.
    """
    drawable = {
        name: [(x, y) for x, y in points if abs(y) <= LARGEST]
        for name, points in curves.items()
    }
    # A curve looks the same whether there is another or not.
    indices = {
        name: index for index, name in enumerate(drawable) if drawable[name]
    }
    caption = element("figcaption", title)
    if not indices:
        return element("figure", caption, element("p", "No value to draw."))
    every = [point for name in indices for point in drawable[name]]
    x_ticks = ticks([x for x, _ in every], whole=True)
    y_ticks = ticks([y for _, y in every])
    to_x = _scale(x_ticks, LEFT, WIDTH - RIGHT)
    to_y = _scale(y_ticks, HEIGHT - BOTTOM, TOP)
    labels = [
        _text(f"{y:.4g}", to_x(x) + 8, to_y(y) - 6, "start")
        for name in indices
        for x, y in drawable[name]
        if len(drawable[name]) == 1
    ]
    drawn = [
        part
        for name, index in indices.items()
        for part in _curve(
            [(to_x(x), to_y(y)) for x, y in drawable[name]], index
        )
    ]
    ends = "; ".join(
        f"{name} from {drawable[name][0][1]:.4g} to {drawable[name][-1][1]:.4g}"
        for name in indices
    )
    svg = element(
        "svg",
        element("title", f"{title}: {ends}"),
        *_axes(x_ticks, y_ticks, to_x, to_y, x_label),
        *drawn,
        *labels,
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
    )
    legend = [
        element("span", f"{name} ", class_=f"key curve-{index}")
        for name, index in indices.items()
    ]
    return element("figure", caption, svg, element("p", *legend))


def ticks(values: Sequence[float], whole: bool = False) -> list[float]:
    """Returns round numbers that enclose values, at like distances.

    Args:
        values: at least one, from -`LARGEST` to `LARGEST`.
        whole: bool. Whether they are whole numbers.
    """
    low, high = min(values), max(values)
    size = max(abs(low), abs(high))
    if high - low <= max(CLOSE * size, LEAST):
        margin = 1.0 if whole or size <= LEAST else size / 2
        low, high = low - margin, high + margin
    step = _round_step((high - low) / NUM_TICKS)
    if whole:
        step = max(step, 1)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [number * step for number in range(first, last + 1)]


def _round_step(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next(n * power for n in (1, 2, 5, 10) if n * power >= 0.999 * least)


def _scale(ticks, start, end):
    low, high = ticks[0], ticks[-1]
    return lambda value: start + (end - start) * (value - low) / (high - low)


def _axes(x_ticks, y_ticks, to_x, to_y, x_label):
    bottom = HEIGHT - BOTTOM
    for tick in y_ticks:
        y = f"{to_y(tick):.1f}"
        yield element(
            "line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="grid"
        )
        yield _text(f"{tick:.4g}", LEFT - 6, float(y) + 4, "end")
    for tick in x_ticks:
        yield _text(f"{tick:g}", to_x(tick), bottom + 16, "middle")
    yield element(
        "line", x1=LEFT, x2=WIDTH - RIGHT, y1=bottom, y2=bottom, class_="axis"
    )
    yield _text(x_label, (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, "middle")


def _text(text, x, y, anchor):
    return element("text", text, x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor)


def _curve(points, index):
    if len(points) == 1:
        # A dot alone is hard to see and to read off: its level is drawn.
        ((_, y),) = points
        points_of_line = [(LEFT, y), (WIDTH - RIGHT, y)]
    else:
        points_of_line = points
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points_of_line)
    yield element("polyline", points=path, class_=f"curve-{index}")
    if len(points) <= MARKED_POINTS:
        for x, y in points:
            yield element(
                "circle",
                cx=f"{x:.1f}",
                cy=f"{y:.1f}",
                r=3,
                class_=f"curve-{index}",
            )
