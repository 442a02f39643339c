"""Spans that no words spell are counted and named."""

import pytest

from keras_bert_zoo import testing
from keras_bert_zoo.data import Example
from keras_bert_zoo.data import InputCounts
from keras_bert_zoo.data import MemoryExamples
from keras_bert_zoo.task import fit_inputs
from keras_bert_zoo.task.model import TaskModel
from keras_bert_zoo.testing import head_contract
from task_heads.tagging.alignment import alignment_warnings
from task_heads.tagging.alignment import misaligned_spans
from task_heads.tagging.head import TaggingHead

LABELS = ["O", "B-x", "I-x", "B-y", "I-y"]
TOKENIZER = testing.tiny_tokenizer(["new york city is here . -"])


@pytest.mark.parametrize(
    ("text", "spans", "expected"),
    [
        ("New York is here.", [(0, 8, "x"), (12, 16, "y")], []),
        ("New York is here.", [(0, 2, "x")], [("Ne", False)]),
        ("New York is here.", [(1, 8, "x")], [("ew York", False)]),
        ("New York is here.", [(3, 8, "x")], [(" York", False)]),
        ("New York-city.", [(0, 8, "x")], [("New York", False)]),
        ("New York-city.", [(0, 13, "x")], []),
        # One token cannot have two tags: the later span has it.
        ("new", [(0, 1, "x"), (1, 3, "y")], [("n", True), ("ew", False)]),
        ("new \ufe0f is", [(4, 5, "x")], [("\ufe0f", True)]),
        ("é new", [(2, 5, "x")], []),
    ],
)
def test_spans_are_held_against_words(text, spans, expected):
    row = Example({"text": text, "spans": spans}, "f:3")
    found = misaligned_spans([row], TOKENIZER)
    assert [(span.text, span.is_lost) for span in found] == expected


def test_what_is_lost_is_what_features_lose():
    head = TaggingHead(LABELS)
    values = {"text": ["new"], "spans": [[(0, 1, "x"), (1, 3, "y")]]}
    data = MemoryExamples(values)
    (row,) = data
    example = head.example(row.values, True)
    batch = head_contract._batch(head, [row.values], with_label=True)
    assert example["span_types"] == [0, 1]
    labels = head.features(batch, TOKENIZER, 8).labels.to_list()
    assert labels == [[0, LABELS.index("B-y"), 0]]


def test_a_warning_counts_and_names_them():
    rows = [
        Example({"text": "new", "spans": [(0, 1, "x"), (1, 3, "y")]}, f"f:{n}")
        for n in range(1, 9)
    ]
    (message,) = alignment_warnings(rows, TOKENIZER)
    assert message.startswith("Spans that do not begin and end where words do")
    assert "16, 8 of them lost" in message
    assert "f:1: 'n' (x, 0-1) lost; f:1: 'ew' (y, 1-3); f:2:" in message
    assert message.endswith("; and 6 more.")


def test_examples_of_tags_are_passed_over():
    row = Example({"tokens": ["new"], "tags": ["O"]}, "f:1")
    assert alignment_warnings([row], TOKENIZER) == []


@pytest.mark.slow
def test_fit_is_warned_once(monkeypatch):
    messages = []
    monkeypatch.setattr(
        "keras_bert_zoo.task.fit_inputs.logging.warning",
        lambda template, *values: messages.append(template % values),
    )
    model = TaskModel(
        testing.tiny_encoder(len(TOKENIZER.vocabulary)),
        TaggingHead(LABELS),
        TOKENIZER,
    )
    data = MemoryExamples({"text": ["new york"], "spans": [[(0, 2, "x")]]})
    fit_inputs.training_data(model, data, None, 8, InputCounts())
    (message,) = messages
    assert "example 1: 'ne' (x, 0-2)" in message
