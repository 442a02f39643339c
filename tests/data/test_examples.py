import numpy as np
import pytest

from keras_bert_zoo.data import Example
from keras_bert_zoo.data import MemoryExamples
from keras_bert_zoo.errors import InputError


def test_examples_carry_values_and_number():
    rows = MemoryExamples({"text": ["a", "b"], "label": [0, 1]})
    assert list(rows) == [
        Example({"text": "a", "label": 0}, "example 1"),
        Example({"text": "b", "label": 1}, "example 2"),
    ]


def test_examples_can_be_read_twice():
    rows = MemoryExamples({"text": ("a", "b")})
    assert list(rows) == list(rows)


def test_length_is_known():
    assert len(MemoryExamples({"text": ["a", "b", "c"]})) == 3


def test_numpy_values_become_plain_ones():
    (row,) = MemoryExamples({"text": np.array(["a"]), "label": np.array([7])})
    assert type(row.values["text"]) is str
    assert type(row.values["label"]) is int


def test_unequal_lengths_are_refused():
    with pytest.raises(InputError, match="Received: text: 2, label: 1"):
        MemoryExamples({"text": ["a", "b"], "label": [0]})


def test_a_text_instead_of_a_list_is_refused():
    with pytest.raises(InputError, match="'text' must be a sequence.*str"):
        MemoryExamples({"text": "a text"})


def test_no_fields_are_refused():
    with pytest.raises(InputError, match="at least one field"):
        MemoryExamples({})
