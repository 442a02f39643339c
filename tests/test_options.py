"""Options that are declared in a class, and functions that take them."""

import dataclasses
import inspect
from typing import Any
from typing import Literal

import pytest

from keras_bert_zoo.arguments import Fraction
from keras_bert_zoo.arguments import Options
from keras_bert_zoo.arguments import Positive
from keras_bert_zoo.arguments import declared
from keras_bert_zoo.arguments import takes
from keras_bert_zoo.errors import InputError


@dataclasses.dataclass(frozen=True, kw_only=True)
class OvenOptions(Options):
    """How bread is baked.

    Args:
        heat: share of what
            the oven can.
        minutes: how long.
        hours: the same in hours.
    """

    heat: Fraction = 0.5
    minutes: Positive | None = None
    hours: Positive | None = None

    alternatives = (("minutes", "hours"),)


@dataclasses.dataclass(frozen=True, kw_only=True)
class LoafOptions(OvenOptions):
    """How a loaf is baked.

    Args:
        {OvenOptions}
        form: of the loaf.
    """

    form: Literal["round", "long"] = "round"


@takes(OvenOptions(heat=0.25))
def bake(flour: str, *, minutes: Any = 9, salt: Fraction = 0.0, **others: Any):
    """Bakes.

    Args:
        flour: which one.
        minutes: of two.

    Args, oven:
        {OvenOptions}
        salt: how much.

    Args, Python alone:
        **others: what the oven takes.
    """
    return {**locals(), **others}


def test_a_function_shows_what_it_takes_where_its_docstring_says():
    parameters = inspect.signature(bake).parameters
    assert list(parameters) == [
        "flour",
        "minutes",
        "heat",
        "hours",
        "salt",
        "others",
    ]
    assert parameters["heat"].default == 0.25
    assert parameters["minutes"].default == 9
    doc = inspect.getdoc(bake)
    assert "    heat: share of what the oven can.\n    hours: the" in doc
    assert "how long" not in doc


def test_what_a_function_takes_are_options_of_it():
    found = {one.name: one for one in declared(bake)}
    (heat, *_) = declared(OvenOptions)
    assert found["heat"] == dataclasses.replace(
        heat, default=0.25, group="oven"
    )


def test_a_function_is_given_what_is_given():
    assert bake("rye", heat=1.0)["others"] == {"heat": 1.0}


def test_a_class_has_the_options_of_its_bases():
    names = ["heat", "minutes", "hours", "form"]
    assert list(inspect.signature(LoafOptions).parameters) == names
    assert [one.name for one in declared(LoafOptions)] == names
    assert declared(LoafOptions)[:3] == declared(OvenOptions)


def test_values_become_those_of_their_types():
    assert type(LoafOptions(heat=1).heat) is float


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"heat": 2}, "`heat` must be between 0 and 1. Received: heat=2"),
        ({"form": "flat"}, "one of round, long. Received: form='flat'"),
        (
            {"minutes": 3, "hours": 1},
            "Only one of minutes and hours is allowed. Received: minutes=3, "
            "hours=1. Leave one of them out.",
        ),
    ],
)
def test_values_that_break_a_rule_are_refused(given, message):
    with pytest.raises(InputError, match=message):
        LoafOptions(**given)


def test_options_are_found_among_others():
    assert OvenOptions.among({"heat": 1, "form": "long"}) == {"heat": 1}
