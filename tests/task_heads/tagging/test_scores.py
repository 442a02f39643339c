"""Scores as seqeval recorded them, and their rules."""

import json
import pathlib

import pytest

from keras_bert_zoo.errors import InputError
from task_heads.tagging.scores import entity_scores
from task_heads.tagging.scores import token_accuracy

ROOT = pathlib.Path(__file__).parents[3]
# Written by benchmarks/peers/record_seqeval.py.
RECORDED = json.loads(
    (ROOT / "tests/recorded/seqeval/cases.json").read_text("utf-8")
)["reports"]
AVERAGES = ("micro", "macro", "weighted")


@pytest.mark.parametrize("number", range(len(RECORDED)))
def test_scores_equal_seqeval(number):
    case = RECORDED[number]
    scores = entity_scores(
        case["gold"],
        case["predicted"],
        strict=case["scheme"] is not None,
        scheme=case["scheme"],
    )
    rows = {f"{average} avg": scores[average] for average in AVERAGES}
    found = {
        name: list(row.values())
        for name, row in {**scores["types"], **rows}.items()
    }
    assert found == case["scores"]
    assert scores["token_accuracy"] == case["accuracy"]


def test_a_span_or_type_that_differs_is_wrong():
    scores = entity_scores(
        [["B-X", "I-X", "O", "B-Y", "B-X"]], [["B-X", "O", "O", "B-X", "B-X"]]
    )
    assert scores["types"]["X"] == {
        "precision": 1 / 3,
        "recall": 1 / 2,
        "f1": pytest.approx(0.4),
        "support": 2,
    }
    assert scores["types"]["Y"]["recall"] == 0.0
    assert scores["micro"]["precision"] == scores["micro"]["recall"] == 1 / 3
    assert scores["token_accuracy"] == 3 / 5


def test_a_strict_reading_takes_the_scheme_of_the_gold_tags():
    gold, predicted = [["B-X", "O"], ["B-X", "I-X"]], [["I-X", "O"]] * 2
    assert entity_scores(gold, predicted)["micro"]["precision"] == 0.5
    strict = entity_scores(gold, predicted, strict=True)
    assert strict["micro"]["precision"] == 0.0


@pytest.mark.parametrize("strict", [False, True])
def test_without_entities_all_scores_are_zero(strict):
    scores = entity_scores([["O", "O"]], [["O", "O"]], strict=strict)
    zero = {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}
    assert [scores[average] for average in AVERAGES] == [zero] * 3
    assert scores["types"] == {}
    assert scores["token_accuracy"] == 1.0


def test_sequences_may_come_from_generators():
    scores = entity_scores((t for t in [["B-X"]]), (t for t in [("B-X",)]))
    assert scores["micro"]["f1"] == 1.0


def test_accuracy_is_of_all_words_together():
    assert token_accuracy([["A", "B", "A"], ["A"]], [["A"] * 3, ["B"]]) == 0.5


def test_accuracy_of_nothing_is_zero():
    assert token_accuracy([], []) == 0.0


def test_differing_lengths_name_the_sequence():
    rule = "sequence 2: .* Received: 1 true, 3 predicted. Give one for each"
    with pytest.raises(InputError, match=rule):
        entity_scores([["O"], ["O"]], [["O"], ["O", "O", "O"]])


def test_differing_numbers_of_sequences_are_refused():
    with pytest.raises(InputError, match="Received: 2 true, 1 predicted. Give"):
        token_accuracy([["O"], ["O"]], [["O"]])


def test_a_strict_reading_of_tags_without_prefixes_is_refused():
    with pytest.raises(InputError, match="Received: 'none'. Tags without"):
        entity_scores([["NOUN"]], [["NOUN"]], strict=True)
