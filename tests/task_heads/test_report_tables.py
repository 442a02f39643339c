"""What each head shows of its answers, counted by hand."""

import pytest

from keras_bert_zoo.data.examples import Example
from keras_bert_zoo.task.report_tables import MarkedText
from task_heads.classification.head import ClassificationHead
from task_heads.multi_task.head import MultiTaskHead
from task_heads.span_qa.head import SpanQAHead
from task_heads.tagging.head import TaggingHead


def rows_of(*values):
    return [Example(one, f"a.tsv:{n}") for n, one in enumerate(values, start=2)]


def label(name, probability):
    return {"label": name, "probability": probability}


TEXTS = rows_of(
    {"text": "x", "label": "a"},
    {"text": "y", "label": "b"},
    {"text": "z", "label": "b"},
)
LABELS = [label("a", 0.9), label("a", 0.6), label("a", 0.8)]


def test_labels_are_counted_and_mistakes_sorted():
    matrix, worst = ClassificationHead(["a", "b"]).report_tables(TEXTS, LABELS)
    assert matrix.columns == ("true label", "a", "b")
    assert matrix.rows == [("a", 1, 0), ("b", 2, 0)]
    assert worst.rows == [
        ("a.tsv:4", "z", "b", "a", 0.8),
        ("a.tsv:3", "y", "b", "a", 0.6),
    ]


def test_both_texts_are_shown():
    head = ClassificationHead(["a", "b"], text_pair=True)
    rows = rows_of({"text": "x", "text_pair": "y", "label": "b"})
    _, worst = head.report_tables(rows, [label("a", 0.5)])
    assert worst.rows[0][1] == "x / y"


def test_of_many_labels_the_most_confused_are_shown():
    labels = [f"l{n}" for n in range(21)]
    rows = rows_of(*[{"text": "x", "label": f"l{n}"} for n in (1, 1, 2, 3)])
    answers = [label(name, 0.5) for name in ("l2", "l2", "l2", "l4")]
    table, _ = ClassificationHead(labels).report_tables(rows, answers)
    assert table.rows == [("l1", "l2", 2), ("l3", "l4", 1)]


def test_several_labels_are_counted_apart():
    head = ClassificationHead(["a", "b"], kind="multi_label")
    rows = rows_of({"text": "x", "label": "a"}, {"text": "y", "label": "a|b"})
    answers = [
        {"labels": ["a", "b"], "scores": {"a": 0.9, "b": 0.8}},
        {"labels": ["b"], "scores": {"a": 0.4, "b": 0.9}},
    ]
    counts, worst = head.report_tables(rows, answers)
    assert counts.rows == [("a", 1, 1, 0), ("b", 1, 0, 1)]
    assert worst.rows == [
        ("a.tsv:2", "x", "a", "a|b", pytest.approx(0.8)),
        ("a.tsv:3", "y", "a|b", "b", pytest.approx(0.6)),
    ]


def test_scores_are_measured_by_their_distance():
    head = ClassificationHead(kind="regression")
    rows = rows_of({"text": "x", "label": 1}, {"text": "y", "label": 2})
    distances, worst = head.report_tables(rows, [{"score": 1.5}, {"score": 4}])
    assert dict(distances.rows) == {"mean": 1.25, "median": 1.25, "largest": 2}
    assert worst.rows[0] == ("a.tsv:3", "y", "2", "4", 2)


def test_tags_and_spans_that_differ_are_shown():
    head = TaggingHead(["O", "B-x", "I-x"])
    rows = rows_of(
        {"tokens": ["p", "q"], "tags": ["B-x", "O"]},
        {"tokens": ["r"], "tags": ["O"]},
    )
    answers = [{"tags": ["O", "O"]}, {"tags": ["O"]}]
    *scores, worst = head.report_tables(rows, answers)
    assert ("token_accuracy", pytest.approx(2 / 3)) in scores[0].rows
    expected = [("expected: ", ""), ("p", "B-x"), (" q", "")]
    received = [("received: ", ""), ("p q", "")]
    assert worst.rows == [("a.tsv:2", MarkedText([expected, received]), 1)]
    rows = rows_of(
        {"text": "p q", "spans": [{"start": 2, "end": 3, "label": "x"}]}
    )
    *_, worst = head.report_tables(rows, [{"spans": []}])
    expected = [("expected: ", ""), ("p ", ""), ("q", "x")]
    assert worst.rows == [("a.tsv:2", MarkedText([expected, received]), 1)]


def test_a_long_text_is_shown_around_its_first_mistake():
    words = ["w"] * 100 + ["p"] + ["v"] * 200
    rows = rows_of(
        {"tokens": words, "tags": ["O"] * 100 + ["B-x"] + ["O"] * 200}
    )
    answers = [{"tags": ["O"] * 301}]
    *_, worst = TaggingHead(["O", "B-x", "I-x"]).report_tables(rows, answers)
    ((_, marked, _),) = worst.rows
    for line in marked.lines:
        assert line[1] == line[-1] == ("\u2026", "")
        assert len("".join(text for text, _ in line[2:-1])) == 240
    assert marked.lines[0][2:4] == [("w " * 30, ""), ("p", "B-x")]


def question(text, *answers):
    return {
        "question": text,
        "context": "the red house",
        "answers": [{"text": one, "start": 0} for one in answers],
    }


def answer(text, score, nothing):
    return {
        "answer": text,
        "score": score,
        "no_answer_probability": nothing,
        "null_score_difference": 1.0,
        "candidates": [{"text": text}] if text else [],
    }


def test_answers_that_match_no_true_one_are_shown():
    rows = rows_of(
        question("p", "the red"), question("q", "red"), question("r")
    )
    answers = [
        answer("red", 0.9, 0.1),
        answer("", 0.0, 0.7),
        answer("house", 0.8, 0.2),
    ]
    scores, worst = SpanQAHead().report_tables(rows, answers)
    assert scores.title == "Scores"
    assert worst.rows == [
        ("a.tsv:4", "r", "(no answer)", "house", 0.8),
        ("a.tsv:3", "q", "red", "(no answer)", 0.7),
    ]


def test_tasks_show_their_tables_under_their_names():
    heads = {
        "kind": ClassificationHead(["a", "b"]),
        "mood": ClassificationHead(["c", "d"]),
    }
    rows = rows_of({"text": "x", "kind": "a", "mood": "c"})
    answers = [{"kind": label("b", 0.9), "mood": label("c", 0.9)}]
    tables = MultiTaskHead(heads).report_tables(rows, answers)
    assert [table.title.split(":")[0] for table in tables] == [
        "kind",
        "kind",
        "mood",
    ]
    assert tables[1].rows == [("a.tsv:2", "x", "a", "b", 0.9)]
