"""Rows of which every task's answer is right."""

import pytest

from keras_bert_zoo.data import Example
from keras_bert_zoo.task import TaskHead
from task_heads.classification.head import ClassificationHead
from task_heads.multi_task.head import MultiTaskHead
from task_heads.multi_task.metrics import frame_accuracy
from task_heads.span_qa.head import SpanQAHead
from task_heads.tagging.head import TaggingHead

TAGS = ["O", "B-x", "I-x", "B-y", "I-y"]
SPANS = [
    {"text": "aa bb", "start": 0, "end": 5, "label": "x", "score": 0.9},
    {"text": "cc", "start": 6, "end": 8, "label": "y", "score": 0.9},
]
MARKED = {"text": "aa bb cc", "spans": [(6, 8, "y"), (0, 5, "x")]}
TAGGED = {"tokens": ["aa", "bb", "cc"], "slots": ["B-x", "I-x", "B-y"]}


def slots(tags, spans=()):
    return {"tags": tags, "spans": list(spans)}


def make_head(intent=None, **tagging):
    return MultiTaskHead(
        {
            "intent": intent or ClassificationHead(["p", "q"]),
            "slots": TaggingHead(TAGS, **tagging),
        }
    )


def accuracy(head, values, answers):
    rows = [Example(row, f"example {n}") for n, row in enumerate(values)]
    return head.score(rows, iter(answers)).get("frame_accuracy")


def of_slots(values, given, **tagging):
    answer = {"intent": {"label": "p"}, "slots": given}
    return accuracy(make_head(**tagging), [{**values, "intent": "p"}], [answer])


def test_intent_and_all_slots_must_be_right():
    right = slots(["B-x", "I-x", "B-y"], SPANS)
    shorter = slots(["B-x", "O", "B-y"], SPANS)
    values = [
        {**TAGGED, "intent": "p"},
        {**TAGGED, "intent": "q"},
        {**TAGGED, "intent": "p"},
        {**MARKED, "intent": "q"},
    ]
    answers = [
        {"intent": {"label": label}, "slots": found}
        for label, found in zip("ppqq", [right, right, shorter, right])
    ]
    head = make_head()
    assert accuracy(head, values, answers) == 2 / 4
    assert accuracy(head, values[:1], answers[:1]) == 1.0


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        (SPANS, 1.0),
        (SPANS[:1], 0.0),
        ([SPANS[0], {**SPANS[1], "label": "x"}], 0.0),
        ([SPANS[0], {**SPANS[1], "start": 3}], 0.0),
        ([*SPANS, {**SPANS[1], "label": "x"}], 0.0),
    ],
)
def test_marked_spans_must_be_found_with_their_ends_and_types(spans, expected):
    assert of_slots(MARKED, slots([], spans)) == expected


@pytest.mark.parametrize(
    ("tags", "strict", "expected"),
    [
        (["B-x", "I-x", "B-y"], False, 1.0),
        (["B-x", "I-x", "O"], False, 0.0),
        # Read as the same spans, unless strictly.
        (["I-x", "I-x", "I-y"], False, 1.0),
        (["I-x", "I-x", "I-y"], True, 0.0),
    ],
)
def test_tags_must_spell_the_true_spans(tags, strict, expected):
    assert of_slots(TAGGED, slots(tags), strict=strict) == expected


def test_tags_without_prefixes_must_all_be_right():
    head = MultiTaskHead(
        {
            "intent": ClassificationHead(["p", "q"]),
            "slots": TaggingHead(["NOUN", "VERB"], scheme="none"),
        }
    )
    values = {"tokens": ["aa", "bb"], "slots": ["NOUN", "VERB"], "intent": "p"}
    answers = [
        {"intent": {"label": "p"}, "slots": slots(tags)}
        for tags in (["NOUN", "VERB"], ["NOUN", "NOUN"])
    ]
    assert accuracy(head, [values, values], answers) == 0.5


@pytest.mark.parametrize(
    ("label", "found", "expected"),
    [(["q", "p"], ["p", "q"], 1.0), (["p"], ["p", "q"], 0.0), ([], [], 1.0)],
)
def test_of_several_labels_all_must_be_right(label, found, expected):
    head = make_head(ClassificationHead(["p", "q"], kind="multi_label"))
    answer = {
        "intent": {"labels": found},
        "slots": slots(["B-x", "I-x", "B-y"]),
    }
    assert accuracy(head, [{**TAGGED, "intent": label}], [answer]) == expected


@pytest.mark.parametrize(
    ("texts", "given", "expected"),
    [
        (["Oslo", "the city"], "City.", 1.0),
        (["Oslo"], "Bergen", 0.0),
        ([], "", 1.0),
        ([], "Oslo", 0.0),
    ],
)
def test_answers_to_questions_are_compared_as_in_squad(texts, given, expected):
    head = MultiTaskHead({"one": SpanQAHead(), "two": SpanQAHead()})
    values = {"answers": [{"text": text, "start": 0} for text in texts]}
    answer = {
        "answer": given,
        "candidates": [{"text": given}] if given else [],
        "null_score_difference": -1.0,
    }
    found = accuracy(head, [values], [{"one": answer, "two": answer}])
    assert found == expected


def test_a_score_is_neither_right_nor_wrong():
    head = make_head(ClassificationHead(kind="regression"))
    answer = {
        "intent": {"score": 1.0},
        "slots": slots(["B-x", "I-x", "B-y"]),
    }
    assert accuracy(head, [{**TAGGED, "intent": 1.0}], [answer]) is None


def test_a_head_that_does_not_judge_leaves_none():
    class Silent(TaskHead):
        name = "silent"

    heads = {"intent": ClassificationHead(["p", "q"]), "other": Silent()}
    rows = [Example({"text": "a", "intent": "p"}, "example 1")]
    answers = [{"intent": {"label": "p"}, "other": {}}]
    assert frame_accuracy(heads, rows, answers) is None
    assert frame_accuracy({"intent": heads["intent"]}, rows, answers) == 1.0
    assert frame_accuracy({"intent": heads["intent"]}, [], []) is None
