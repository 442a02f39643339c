"""Charts stand where their numbers are."""

import math
import xml.etree.ElementTree

import pytest

from keras_bert_zoo.reporting import line_chart
from keras_bert_zoo.reporting.line_chart import ticks


def drawn(curves):
    """Returns the chart's SVG as an XML tree."""
    text = line_chart.line_chart("loss <b>", curves, "epoch")
    return xml.etree.ElementTree.fromstring(text).find("svg")


@pytest.mark.parametrize(
    ("values", "whole", "expected"),
    [
        ([0.0, 1.0], False, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        ([1, 3], True, [1, 2, 3]),
        ([2], True, [1, 2, 3]),
        ([0.0], False, [-1.0, -0.5, 0.0, 0.5, 1.0]),
        ([1, 250], True, [0, 50, 100, 150, 200, 250]),
        ([3e-5, 3e-5], False, [1e-5, 2e-5, 3e-5, 4e-5, 5e-5]),
    ],
)
def test_ticks_are_round_and_enclose(values, whole, expected):
    assert ticks(values, whole) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.0, math.nextafter(1.0, 2)], [0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6]),
        (
            [0.18371473625068768, 0.1837147362506877],
            [0.05, 0.1, 0.15, 0.2, 0.25, 0.3],
        ),
        ([0.0, 5e-324], [-1.0, -0.5, 0.0, 0.5, 1.0]),
        ([1e-310, 1e-310], [-1.0, -0.5, 0.0, 0.5, 1.0]),
        ([-1e300, 1e300], [-1e300, -5e299, 0.0, 5e299, 1e300]),
    ],
)
def test_ticks_of_extreme_values(values, expected):
    assert ticks(values) == pytest.approx(expected)


@pytest.mark.parametrize("value", [7e-324, 7e-308, 7e-44, 0.7, 7e33, 7e299])
def test_neighbours_are_drawn(value):
    for other in (math.nextafter(value, math.inf), value * (1 + 2e-9), 0.0):
        svg = drawn({"validation": [(1, value), (2, other)]})
        assert len(svg.findall("circle")) == 2


def test_points_stand_at_their_values():
    svg = drawn({"training": [(1, 1.0), (2, 0.5), (3, 0.0)]})
    (line,) = svg.findall("polyline")
    # The plot goes from (64, 220) to (464, 16).
    assert line.get("points") == "64.0,16.0 264.0,118.0 464.0,220.0"
    assert len(svg.findall("circle")) == 3


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, 1e308, -1e308]
)
def test_what_cannot_be_drawn_is_left_out(value):
    svg = drawn({"training": [(1, 1.0), (2, value), (3, value)]})
    assert len(svg.findall("circle")) == 1


def test_a_chart_without_values_says_so():
    text = line_chart.line_chart("loss", {"training": [(1, math.nan)]}, "epoch")
    assert "No value to draw." in text
    assert "<svg" not in text


def test_the_title_is_read_aloud():
    svg = drawn({"training": [(1, 1.0), (2, 0.5)], "validation": [(1, 2.0)]})
    assert svg.get("role") == "img"
    assert svg.find("title").text == (
        "loss <b>: training from 1 to 0.5; validation from 2 to 2"
    )


def test_long_curves_have_no_marks():
    svg = drawn({"rate": [(step, step) for step in range(200)]})
    assert not svg.findall("circle")


def test_a_curve_without_points_leaves_the_others_as_they_are():
    svg = drawn({"training": [], "validation": [(1, 1.0), (2, 0.5)]})
    (line,) = svg.findall("polyline")
    assert line.get("class") == "curve-1"


def test_a_single_value_is_a_level_with_its_number():
    svg = drawn({"training": [(1, 0.5)], "validation": [(1, 0.25)]})
    for line, circle in zip(svg.findall("polyline"), svg.findall("circle")):
        (first, y), (last, other) = (
            point.split(",") for point in line.get("points").split()
        )
        # From one side of the plot to the other.
        assert (float(first), float(last)) == (64, 464)
        assert y == other == circle.get("cy")
    texts = [text.text for text in svg.findall("text")]
    assert {"0.5", "0.25"} <= set(texts)
