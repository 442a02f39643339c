"""Texts in one of the forms that are read, or an error that says which."""

import numpy as np
import pytest

from keras_bert_zoo.data import InputCounts
from keras_bert_zoo.data import MemoryExamples
from keras_bert_zoo.data import as_examples
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task import fit_inputs
from task_heads.classification.head import ClassificationHead
from task_heads.masked_lm.head import MaskedTokenHead

PAIRS = ClassificationHead(["bad", "good"], text_pair=True)
TEXTS = ClassificationHead(["bad", "good"])


@pytest.mark.parametrize(
    "pairs",
    [
        [("a", "b"), ["c", "d"]],
        np.array([["a", "b"], ["c", "d"]]),
        [{"text": "a", "text_pair": "b"}, {"text_pair": "d", "text": "c"}],
    ],
)
def test_pairs_have_several_forms(pairs):
    found = [dict(row.values) for row in as_examples(pairs, None, PAIRS)]
    assert found == [
        {"text": "a", "text_pair": "b"},
        {"text": "c", "text_pair": "d"},
    ]


@pytest.mark.parametrize(
    ("pairs", "received"),
    [
        ([None, ("a", "b")], "None of type NoneType as example 1"),
        ([("a", "b"), 3], "3 of type int as example 2"),
        ([("a", "b"), "cd"], "'cd' of type str as example 2"),
        ([("a", "b"), ("c",)], "('c',) of type tuple as example 2"),
        ([("a", "b"), {"c": "d", "e": "f"}], "of type dict as example 2"),
    ],
)
def test_what_is_no_pair_is_named(pairs, received):
    with pytest.raises(InputError) as raised:
        as_examples(pairs, None, PAIRS)
    assert "reads 2 texts per example (text, text_pair)" in str(raised.value)
    assert received in str(raised.value)
    assert "Give a list of tuples of strings." in str(raised.value)


@pytest.mark.parametrize("other", [None, "text", {"text": "a"}, {}])
def test_a_mapping_with_other_fields_is_named(other):
    rows = [{"text": "a", "label": "bad"}, other]
    with pytest.raises(InputError) as raised:
        as_examples(rows, None, TEXTS)
    assert "must have the same fields" in str(raised.value)
    assert f"first, and {other!r} as example 2" in str(raised.value)


def test_labels_beside_mappings_are_refused():
    with pytest.raises(InputError, match="first, and `y`. Put each label into"):
        as_examples([{"text": "a"}], ["bad"], TEXTS)


class CountedExamples(MemoryExamples):
    """Examples that count how often they are read."""

    num_readings = 0

    def __iter__(self):
        self.num_readings += 1
        return super().__iter__()


@pytest.mark.slow
def test_only_training_counts_the_batches_before_it_begins(make_model):
    """Where a text may be several sequences, which the schedule has to know."""
    model = make_model(MaskedTokenHead(), sequence_length=8)
    rows = CountedExamples({"text": ["fine " * 30, "dull"] * 3})
    found = fit_inputs.evaluation_data(model, rows, None, 2)
    assert rows.num_readings == 1  # to check them
    assert found["steps"] is None
    num_batches = sum(1 for _ in found["x"])
    assert rows.num_readings == 2
    counts = InputCounts()
    found = fit_inputs.training_data(model, rows, None, 2, counts)
    assert rows.num_readings == 4
    assert found["steps_per_epoch"] == num_batches > 3
