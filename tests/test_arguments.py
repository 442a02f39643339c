"""Arguments of a wrong type or size get an error that says so."""

import numpy as np
import pytest

from keras_bert_zoo import arguments
from keras_bert_zoo.errors import InputError


@pytest.mark.parametrize("value", [3, np.int64(3)])
def test_whole_numbers_become_plain(value):
    assert type(arguments.whole_number("n", value)) is int


@pytest.mark.parametrize("value", [0, True, np.bool_(True), 2.0, "3", None])
def test_other_values_are_no_whole_numbers(value):
    with pytest.raises(InputError, match="`n` must be a whole number, at lea"):
        arguments.whole_number("n", value)


def test_the_highest_number_is_reported():
    with pytest.raises(InputError, match="at least 1 and at most 5. Received"):
        arguments.whole_number("n", 6, highest=5)


@pytest.mark.parametrize("value", [1, 0.5, np.float32(0.5)])
def test_numbers_become_plain(value):
    assert type(arguments.finite_number("x", value)) is float


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), 10**400, True, "1", None, [1]]
)
def test_other_values_are_no_numbers(value):
    with pytest.raises(InputError, match="`x` must be a finite number. Rec"):
        arguments.finite_number("x", value)


@pytest.mark.parametrize("value", [True, np.bool_(False)])
def test_flags_become_plain(value):
    assert type(arguments.flag("f", value)) is bool


@pytest.mark.parametrize("value", [1, "no", None])
def test_other_values_are_no_flags(value):
    with pytest.raises(InputError, match="`f` must be True or False. Received"):
        arguments.flag("f", value)


def test_options_that_a_function_does_not_take_are_reported():
    def function(one, two=2):
        return one + two

    assert arguments.checked_call(function, "It", {"one": 1}) == 3
    with pytest.raises(InputError, match="It takes the options one, two. Rec"):
        arguments.checked_call(function, "It", {"one": 1, "three": 3})
    with pytest.raises(InputError, match="Received: none: missing"):
        arguments.checked_call(function, "It", {})
