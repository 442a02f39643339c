import numpy as np
import pytest

from keras_bert_zoo.data import Example
from keras_bert_zoo.data import FileExamples
from keras_bert_zoo.data import MemoryExamples
from keras_bert_zoo.data import check_examples
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


def test_examples_and_labels_are_counted(head):
    rows = MemoryExamples({"text": list("abc"), "label": ["1", "0", "1"]})
    report = check_examples(rows, head)
    assert report.num_examples == 3
    assert list(report.label_counts.items()) == [("1", 2), ("0", 1)]


def test_labels_are_not_read_unless_asked(head):
    rows = MemoryExamples({"text": ["a", "b"]})
    report = check_examples(rows, head, with_label=False)
    assert (report.num_examples, report.label_counts) == (2, {})


def test_scores_are_not_counted(head):
    head.label_dtype = "float32"
    rows = MemoryExamples({"text": ["a", "b"], "label": [1, 2]})
    assert check_examples(rows, head).label_counts == {}


def test_very_many_labels_are_not_counted_one_by_one(head):
    rows = MemoryExamples({"text": ["a"] * 1001, "label": list(range(1001))})
    assert check_examples(rows, head).label_counts == {}


def test_bad_label_names_its_example(head):
    rows = MemoryExamples({"text": ["a", "b"], "label": ["1", "x"]})
    with pytest.raises(InputError, match="^example 2: label 'x' is bad"):
        check_examples(rows, head)


def test_bad_label_names_its_file_and_line(head, write):
    path = write("a.tsv", "label\ttext\n1\ta\nx\tb\n")
    rows = FileExamples(path, {"text": "text", "label": "label"})
    with pytest.raises(InputError, match="a.tsv:3: label 'x' is bad"):
        check_examples(rows, head)


def test_a_text_that_is_no_string_names_its_line(head, write):
    path = write("a.jsonl", '{"t": "a"}\n{"t": 5}\n')
    with pytest.raises(InputError, match="a.jsonl:2: 'text' must be a text"):
        check_examples(
            FileExamples(path, {"text": "t"}), head, with_label=False
        )


def test_lone_surrogate_is_refused(head, write):
    path = write("a.jsonl", '{"t": "ab\\ud800"}\n')
    with pytest.raises(
        InputError, match=r"a.jsonl:1: 'text' .* surrogate U\+D800 at charac.*3"
    ):
        check_examples(
            FileExamples(path, {"text": "t"}), head, with_label=False
        )


def test_no_examples_are_refused(head):
    with pytest.raises(InputError, match="at least one example"):
        check_examples(MemoryExamples({"text": [], "label": []}), head)


def test_examples_that_can_be_read_once_are_refused(head):
    once = iter(MemoryExamples({"text": ["a"], "label": [0]}))
    with pytest.raises(InputError, match="re-iterable.*generator"):
        check_examples(once, head)
