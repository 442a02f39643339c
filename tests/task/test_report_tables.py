"""What heads show of their answers to labelled rows."""

import types

from keras_bert_zoo.data.examples import Example
from keras_bert_zoo.task.report_tables import Mistake
from keras_bert_zoo.task.report_tables import Table
from keras_bert_zoo.task.report_tables import mistake_tables
from keras_bert_zoo.task.report_tables import report_tables
from keras_bert_zoo.task.report_tables import score_tables


def test_groups_of_numbers_become_tables():
    score = {
        "accuracy": 0.5,
        "micro": {"f1": 0.25, "support": 3},
        "macro": {"f1": 0.75},
        "types": {"person": {"f1": 1.0}, "place": {"f1": 0.0}},
    }
    assert score_tables(score) == [
        Table("Scores", ("measure", "value"), [("accuracy", 0.5)]),
        Table(
            "Scores",
            ("", "f1", "support"),
            [("micro", 0.25, 3), ("macro", 0.75, "")],
        ),
        Table("Scores: types", ("", "f1"), [("person", 1.0), ("place", 0.0)]),
    ]


def test_no_score_is_no_table():
    assert score_tables({}) == []


def test_a_head_without_tables_shows_its_score():
    head = types.SimpleNamespace(score=lambda rows, answers: {"n": len(rows)})
    rows = [Example({}, "example 1")]
    (table,) = report_tables(head, rows, [{}])
    assert table.rows == [("n", 1)]


def test_the_worst_mistakes_come_first():
    mistakes = [
        Mistake(f"example {n}", "text", "yes", "no", weight)
        for n, weight in enumerate([0.5] * 25 + [0.9, 0.1])
    ]
    (table,) = mistake_tables(mistakes, "probability")
    assert len(table.rows) == 20
    assert table.rows[0] == ("example 25", "text", "yes", "no", 0.9)
    assert table.columns[-1] == "probability"


def test_no_mistake_is_no_table():
    assert mistake_tables([], "probability") == []
