"""Scores of answers by hand, and what they refuse."""

import pytest

from keras_bert_zoo.errors import InputError
from task_heads.span_qa.squad_scores import exact_match
from task_heads.span_qa.squad_scores import normalize_answer
from task_heads.span_qa.squad_scores import squad_v1_scores
from task_heads.span_qa.squad_scores import squad_v2_scores
from task_heads.span_qa.squad_scores import token_f1

GOLD = {"a": ["Ada Lovelace", "Lovelace"], "b": ["1815"], "c": [], "d": []}
GUESSES = {"a": "Lady Lovelace", "b": "1815", "c": "", "d": "London"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Cat,  sat on A mat.", "cat sat on mat"),
        ("twenty-one", "twentyone"),
        ("the-an", "thean"),
        ("Theatre", "theatre"),
        ("a.n. other", "other"),
        ("l’été — ¿qué?", "l’été — ¿qué"),
        ("\tnon\u00a0breaking\n", "non breaking"),
        ("维基 百科。", "维基 百科。"),
        ("a1 the_x", "a1 thex"),
        ("The!", ""),
        ("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", ""),
    ],
)
def test_normalized_answer(text, expected):
    assert normalize_answer(text) == expected


def test_exact_match_ignores_case_and_articles():
    assert exact_match("the Moon!", "A moon")


def test_exact_match_needs_every_word():
    assert not exact_match("the full moon", "moon")


def test_f1_by_hand():
    # 2 words shared, of 3 and of 4.
    assert token_f1("to be be", "be or be there") == pytest.approx(4 / 7)


@pytest.mark.parametrize(
    ("prediction", "gold", "empty_matches", "expected"),
    [
        ("", "", True, 1.0),
        ("the", "a", True, 1.0),
        ("", "", False, 0.0),
        ("", "moon", True, 0.0),
        ("moon", "the", True, 0.0),
        ("moon", "", False, 0.0),
    ],
)
def test_f1_of_answers_without_words(prediction, gold, empty_matches, expected):
    assert token_f1(prediction, gold, empty_matches) == expected


def test_v1_scores_by_hand():
    gold = {"a": ["Ada Lovelace", "Lovelace"], "b": ["1815"]}
    assert squad_v1_scores(gold, GUESSES) == {
        "exact_match": 50.0,
        # Lovelace alone: 1 word shared, of 2 and of 1.
        "f1": pytest.approx(100 * (2 / 3 + 1) / 2),
        "total": 2,
    }


def test_v1_counts_a_missing_prediction_as_wrong():
    scores = squad_v1_scores({"a": ["x"], "b": ["y"]}, {"b": "y"})
    assert scores == {"exact_match": 50.0, "f1": 50.0, "total": 2}


def test_v1_gives_no_f1_for_two_answers_without_words():
    scores = squad_v1_scores({"a": ["The"]}, {"a": "an"})
    assert scores == {"exact_match": 100.0, "f1": 0.0, "total": 1}


def test_v2_scores_by_hand():
    assert squad_v2_scores(GOLD, GUESSES) == {
        "exact": 50.0,
        "f1": pytest.approx(100 * (2 / 3 + 1 + 1) / 4),
        "total": 4,
        "HasAns_exact": 50.0,
        "HasAns_f1": pytest.approx(100 * (2 / 3 + 1) / 2),
        "HasAns_total": 2,
        "NoAns_exact": 50.0,
        "NoAns_f1": 50.0,
        "NoAns_total": 2,
    }


def test_v2_gold_without_words_is_answered_by_none():
    scores = squad_v2_scores({"a": ["the", "..."]}, {"a": ""})
    assert scores["exact"] == scores["f1"] == 100.0


def test_v2_gold_without_words_still_counts_as_an_answer():
    scores = squad_v2_scores({"a": ["the"]}, {"a": ""})
    assert scores["HasAns_total"] == 1


def test_v2_leaves_out_a_group_without_questions():
    scores = squad_v2_scores({"a": []}, {"a": ""})
    assert not [key for key in scores if key.startswith("HasAns")]


def test_v2_adds_integers_where_the_official_script_does():
    # From Python 3.12 on, `sum` rounds 1 and 1.0 differently.
    gold = {"a": ["x"], "b": [], "c": ["x u v w"]}
    scores = squad_v2_scores(gold, {"a": "x y", "b": "", "c": "x y"})
    partial = [token_f1("x y", text) for text in ("x", "x u v w")]
    assert scores["f1"] == 100.0 * sum([partial[0], 1, partial[1]]) / 3


def test_v2_above_the_threshold_is_no_answer():
    probabilities = {"a": 0.1, "b": 0.9, "c": 0.2, "d": 0.9}
    scores = squad_v2_scores(GOLD, GUESSES, probabilities, threshold=0.5)
    assert (scores["HasAns_exact"], scores["NoAns_exact"]) == (0.0, 100.0)


def test_v2_at_the_threshold_is_an_answer():
    probabilities = dict.fromkeys(GOLD, 0.5)
    scores = squad_v2_scores(GOLD, GUESSES, probabilities, threshold=0.5)
    assert scores["HasAns_exact"] == 50.0


def test_v2_best_threshold_by_hand():
    probabilities = {"a": 0.1, "b": 0.2, "c": 0.0, "d": 0.4}
    scores = squad_v2_scores(GOLD, GUESSES, probabilities)
    # Right if none, c, a, b, d are answered: 2, 2, 2, 3, 2 of 4.
    assert scores["best_exact"] == 75.0
    assert scores["best_exact_thresh"] == 0.2


def test_v2_best_threshold_is_zero_if_answering_never_pays():
    scores = squad_v2_scores({"a": []}, {"a": "x"}, {"a": 0.3})
    assert (scores["best_f1"], scores["best_f1_thresh"]) == (100.0, 0.0)


def test_v2_equal_probabilities_are_answered_in_their_order():
    gold, guesses = {"a": ["x"], "b": []}, {"a": "x", "b": "y"}
    first, last = (
        squad_v2_scores(gold, guesses, dict.fromkeys(order, 0.5))
        for order in ("ab", "ba")
    )
    assert (first["best_exact"], last["best_exact"]) == (100.0, 50.0)


def test_v2_ignores_what_belongs_to_no_question():
    guesses = {**GUESSES, "z": "x"}
    probabilities = {"z": 0.0, **dict.fromkeys(GOLD, 0.5)}
    expected = squad_v2_scores(GOLD, GUESSES, dict.fromkeys(GOLD, 0.5))
    assert squad_v2_scores(GOLD, guesses, probabilities) == expected


@pytest.mark.parametrize("score", [squad_v1_scores, squad_v2_scores])
@pytest.mark.parametrize(
    ("gold", "guesses", "message"),
    [
        ({}, {}, "at least one question to score. Received: none"),
        ({"a": "x"}, {"a": "x"}, "list of strings. Received for 'a': 'x'"),
        ({"a": None}, {"a": "x"}, "list of strings. Received for 'a': None"),
        ({"a": [1]}, {"a": "x"}, r"list of strings. Received for 'a': \[1\]"),
        ({"a": ["x"]}, {"a": None}, "a string. Received for 'a': None"),
    ],
)
def test_refused_texts(score, gold, guesses, message):
    with pytest.raises(InputError, match=message):
        score(gold, guesses)


def test_v1_refuses_questions_without_answer():
    gold = {str(number): [] for number in range(7)}
    message = "Received none for '0', '1', '2', '3', '4' and 2 more. Score"
    with pytest.raises(InputError, match=message):
        squad_v1_scores(gold, {})


def test_v2_refuses_a_missing_prediction():
    message = "must have a prediction. Received none for 'b'. .* give \"\""
    with pytest.raises(InputError, match=message):
        squad_v2_scores({"a": [], "b": []}, {"a": ""})


def test_v2_refuses_a_missing_probability():
    message = "must have a no-answer probability. Received none for 'd'"
    with pytest.raises(InputError, match=message):
        squad_v2_scores(GOLD, GUESSES, {"a": 0, "b": 0, "c": 0})


@pytest.mark.parametrize("value", [float("nan"), "0.5", None])
def test_v2_refuses_a_probability_that_is_not_finite(value):
    message = f"must be a number. Received for 'a': {value!r}"
    with pytest.raises(InputError, match=message):
        squad_v2_scores({"a": []}, {"a": ""}, {"a": value})
