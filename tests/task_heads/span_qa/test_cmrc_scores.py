"""Scores of characters against numbers from CMRC 2018's script."""

import gzip
import json
import os
import pathlib

import pytest

from keras_bert_zoo.data import Example
from keras_bert_zoo.errors import InputError
from task_heads.span_qa.cmrc_scores import cmrc_scores
from task_heads.span_qa.head import SpanQAHead

ROOT = pathlib.Path(__file__).parents[3]
DATA = ROOT / os.environ.get("KBZ_SHARED", "../shared") / "data"
RECORDED = json.loads(
    (ROOT / "tests/recorded/measures/cmrc.json").read_text("utf-8")
)


def scores(answers, guess):
    found = cmrc_scores({"q": answers}, {"q": guess})
    return found["cmrc_exact_match"] / 100, found["cmrc_f1"] / 100


@pytest.mark.parametrize(
    "case", RECORDED["texts"], ids=lambda case: case["guess"]
)
def test_texts_score_as_in_the_official_script(case):
    found = scores(case["answers"], case["guess"])
    assert found == pytest.approx((case["exact_match"], case["f1"]), abs=1e-14)


@pytest.mark.skipif(
    not DATA.is_dir(), reason="needs the published data sets (KBZ_SHARED)"
)
def test_guesses_at_xquad_score_as_in_the_official_script():
    path = DATA / "xquad/xquad.zh.json.gz"
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        articles = json.load(stream)["data"]
    recorded = RECORDED["xquad_zh"]
    spans = iter(recorded["spans"])
    gold, guesses = {}, {}
    for article in articles:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                start, end = next(spans)
                name = question["id"]
                gold[name] = [found["text"] for found in question["answers"]]
                guesses[name] = paragraph["context"][start:end]
    assert len(gold) == 1190
    assert cmrc_scores(gold, guesses) == {
        "cmrc_exact_match": recorded["exact_match"],
        "cmrc_f1": recorded["f1_mean"],
    }
    found = [scores(gold[name], guesses[name])[1] for name in gold]
    assert found == pytest.approx(recorded["f1"], abs=1e-14)


def test_kana_are_compared_one_by_one():
    # 4 of 5 characters, all 4 of the guess.
    assert scores(["カレーを人々"], "カレーを") == (0, pytest.approx(0.8))


def test_a_question_without_answers_scores_where_none_is_given():
    assert scores([], "") == (1, 1)
    assert scores([], "北京") == (0, 0)


def test_a_question_without_prediction_scores_nothing():
    found = cmrc_scores({"a": ["北京"], "b": ["上海"]}, {"a": "北京"})
    assert found == {"cmrc_exact_match": 50.0, "cmrc_f1": 50.0}


def test_wrong_texts_are_refused():
    with pytest.raises(InputError, match="at least one question"):
        cmrc_scores({}, {})
    with pytest.raises(InputError, match="must be a list of strings"):
        cmrc_scores({"a": "北京"}, {})


def head_scores(*pairs, **options):
    rows = [
        Example(
            {"answers": [{"text": text, "start": 0} for text in texts]}, "row"
        )
        for texts, _ in pairs
    ]
    answers = [
        {
            "answer": answer,
            "candidates": [{"text": answer}],
            "null_score_difference": -5.0,
        }
        for _, answer in pairs
    ]
    return SpanQAHead(**options).score(rows, answers)


def test_a_head_scores_characters_where_answers_have_them():
    found = head_scores((["北京大学"], "北京"), (["Oslo"], "Oslo"))
    assert found["f1"] == 50.0
    assert found["cmrc_exact_match"] == 50.0
    assert found["cmrc_f1"] == pytest.approx(100 * (2 / 3 + 1) / 2)
    assert "cmrc_f1" not in head_scores((["Oslo"], "Oslo"))


@pytest.mark.parametrize("no_answer", [True, False])
def test_a_head_scores_characters_beside_questions_without_answers(no_answer):
    found = head_scores(
        (["北京大学"], "北京大学"), ([], ""), no_answer=no_answer
    )
    assert found["HasAns_f1"] == found["cmrc_f1"] == 100.0
    assert ("best_f1" in found) == no_answer
