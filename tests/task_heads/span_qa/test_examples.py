"""Answers at their start, elsewhere, and nowhere."""

import numpy as np
import pytest

from keras_bert_zoo.data.examples import Example
from keras_bert_zoo.errors import InputError
from task_heads.span_qa.examples import AlignmentReport
from task_heads.span_qa.examples import align_answers
from task_heads.span_qa.examples import alignment_report
from task_heads.span_qa.examples import locate
from task_heads.span_qa.examples import misalignment
from task_heads.span_qa.examples import question_example

#          0         1         2
#          0123456789012345678901234
CONTEXT = "one two 🙂 one two one 李白"


def answer(text, start):
    return {"text": text, "start": start}


@pytest.mark.parametrize(
    ("text", "start"),
    [("one", 0), ("one", 10), ("李白", 22), (" two", 3), (CONTEXT, 0)],
)
def test_aligned(text, start):
    given = [answer(text, start)]
    assert align_answers(CONTEXT, given) == (given, [])


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("one", 1),
        ("One", 0),
        ("two ", 14 + 1),
        ("absent", 0),
        ("李白", 23),
        ("李白", -2),
        ("one", 24),
        ("one", 10**12),
    ],
)
def test_misaligned(text, start):
    given = [answer(text, start)]
    assert align_answers(CONTEXT, given) == ([], given)


def test_answers_keep_their_order():
    given = [answer("one", n) for n in (0, 1, 10, 11, 18)]
    aligned, misaligned = align_answers(CONTEXT, given)
    assert [a["start"] for a in aligned + misaligned] == [0, 10, 18, 1, 11]


@pytest.mark.parametrize("text", ["", " \n"])
def test_empty_text_is_refused(text):
    with pytest.raises(InputError, match="more than spaces. Received: .*'tex"):
        align_answers(CONTEXT, [answer(text, 0)])


@pytest.mark.parametrize(
    ("text", "start", "expected"),
    [
        ("one", 10, answer("one", 10)),
        ("one", 9, answer("one", 10)),
        ("one", 12, answer("one", 10)),
        ("one", 5, answer("one", 0)),
        ("one", 14, answer("one", 10)),
        ("one", 15, answer("one", 18)),
        ("one", -5, answer("one", 0)),
        ("one", 999, answer("one", 18)),
        (" one", 0, answer(" one", 9)),
        ("李白\n", 22, answer("李白", 22)),
        ("  two one ", 13, answer(" two one ".strip(), 14)),
        ("absent", 3, None),
        (" ", 0, answer(" ", 3)),
        ("", 0, None),
    ],
)
def test_nearest_occurrence(text, start, expected):
    assert locate(CONTEXT, answer(text, start)) == expected


def test_report_counts():
    labels = [
        {"answers": [answer("one", 0), answer("one", 1)], "impossible": False},
        {"answers": [answer("two", 14)], "impossible": False},
        {"answers": [], "impossible": True},
        {},
        {"answers": [answer("two", 99)], "impossible": False},
    ]
    rows = [
        Example({"id": f"q{number}", "context": CONTEXT, **values}, "")
        for number, values in enumerate(labels)
    ]
    assert alignment_report(rows) == AlignmentReport(5, 4, 1, ("q0", "q4"))


@pytest.mark.parametrize(
    "answers",
    [
        {"answers": [{"text": "Ada", "start": 4}]},
        {"answers": [{"text": "Ada", "answer_start": 4}]},
        {"answers": {"text": "Ada", "answer_start": 4}},
        {"answers": {"text": ["Ada"], "answer_start": [4]}},
        {"answers": {"text": ("Ada",), "start": np.array([4]).tolist()}},
        {"answers": "Ada", "answer_start": 4},
        {"answers": "Ada", "answer_start": np.int64(4)},
    ],
)
def test_answers_have_the_forms_that_people_hold_them_in(answers):
    values = {"question": "Who?", "context": "Now Ada spoke.", **answers}
    example = question_example(values, True)
    assert (example["answer_start"], example["answer_end"]) == (4, 7)


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"answers": "Ada"}, "a `text` and its `start`"),
        (
            {"answers": {"text": ["Ada"], "answer_start": []}},
            "1 texts, 0 start",
        ),
        ({"answers": {"text": ["Ada"]}}, "a `text` and its `start`"),
    ],
)
def test_answers_without_a_start_are_named(answers, message):
    values = {"question": "Who?", "context": "Now Ada spoke.", **answers}
    with pytest.raises(InputError, match=message):
        question_example(values, True)


def test_a_mapping_of_empty_lists_is_no_answer():
    values = {"question": "Who?", "context": "Now Ada spoke."}
    values["answers"] = {"text": [], "answer_start": []}
    assert question_example(values, True)["answer_start"] == -1


@pytest.mark.parametrize(
    ("start", "place", "remark"),
    [
        (4, (4, 7), None),
        (0, (4, 7), "answers were moved to their nearest occurrence"),
        (99, (14, 17), "answers were moved to their nearest occurrence"),
    ],
)
def test_answers_are_moved_where_that_is_wanted(start, place, remark):
    values = {
        "question": "Who?",
        "context": "Now Ada saw a Ada.",
        "answers": [{"text": "Ada", "start": start}],
    }
    example = question_example(values, True, repairs=True)
    assert (example["answer_start"], example["answer_end"]) == place
    assert misalignment(values, repairs=True) == remark
    if start != 4:
        assert question_example(values, True)["answer_start"] == -2
        assert "none is learned" in misalignment(values)


def test_answers_that_stand_nowhere_are_not_learned():
    values = {"question": "Who?", "context": "Now Ada saw."}
    values["answers"] = [{"text": "Bob", "start": 4}]
    assert question_example(values, True, repairs=True)["answer_start"] == -2
    assert "none is learned" in misalignment(values, repairs=True)
