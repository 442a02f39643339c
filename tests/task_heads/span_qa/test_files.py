"""Files of questions, in both formats."""

import gzip
import json
import os
import pathlib

import pytest

from keras_bert_zoo.errors import InputError
from task_heads.span_qa.examples import AlignmentReport
from task_heads.span_qa.examples import alignment_report
from task_heads.span_qa.files import QuestionFile

ROOT = pathlib.Path(__file__).parents[3]
DATA = ROOT / os.environ.get("KBZ_SHARED", "../shared") / "data"

CONTEXT = "Ada was born in 1815. 🙂 Her father was a poet."
ANSWER = {"text": "a poet", "answer_start": 39}
WHO = {"id": "q1", "question": "What was he?", "answers": [ANSWER]}
WHY = {
    "id": "q2",
    "question": "Why?",
    "answers": [],
    "plausible_answers": [ANSWER],
    "is_impossible": True,
}
ROWS = [
    {
        "id": "q1",
        "question": "What was he?",
        "context": CONTEXT,
        "answers": [{"text": "a poet", "start": 39}],
        "impossible": False,
    },
    {
        "id": "q2",
        "question": "Why?",
        "context": CONTEXT,
        "answers": [],
        "impossible": True,
    },
]


def squad(*records, **paragraph):
    paragraph = {"context": CONTEXT, "qas": list(records), **paragraph}
    return {"version": "v2.0", "data": [{"paragraphs": [paragraph]}]}


def line(**values):
    record = {"question": "What was he?", "context": CONTEXT, **values}
    return json.dumps({k: v for k, v in record.items() if v is not ...})


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        if isinstance(content, dict):
            content = json.dumps(content)
        if isinstance(content, str):
            content = content.encode()
        path.write_bytes(content)
        return path

    return write


def read(path, **options):
    return [dict(row.values) for row in QuestionFile(path, **options)]


def expect(path, pattern, **options):
    with pytest.raises(InputError, match=pattern):
        read(path, **options)


@pytest.mark.parametrize("ending", ["json", "JSON", "json.gz"])
def test_squad_json(write, ending):
    content = json.dumps(squad(WHO, WHY)).encode()
    zipped = ending.endswith("gz")
    path = write(f"a.{ending}", gzip.compress(content) if zipped else content)
    assert read(path) == ROWS


def test_origin_names_the_question(write):
    path = write("dev.json", squad(WHO))
    (row,) = QuestionFile(path)
    assert row.origin == f"{path}: question q1"


def test_json_goes_through_all_articles_and_paragraphs(write):
    first = squad({**WHO, "id": "a"})["data"]
    second = squad({**WHO, "id": "b"}, {**WHO, "id": "c"})["data"]
    path = write("a.json", {"data": first + second})
    assert [row["id"] for row in read(path)] == ["a", "b", "c"]


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_byte_order_mark_is_dropped(write, name):
    text = json.dumps(squad(WHO)) if name == "a.json" else line()
    path = write(name, b"\xef\xbb\xbf" + text.encode())
    assert len(read(path)) == 1


def test_format_given_overrides_the_name(write):
    assert len(read(write("a.txt", squad(WHO)), format="json")) == 1


@pytest.mark.parametrize(
    "answers",
    [[ANSWER], {"text": ["a poet"], "answer_start": [39]}],
    ids=["list", "dict of lists"],
)
def test_line_with_answers(write, answers):
    path = write("a.jsonl", line(id="q1", answers=answers))
    assert read(path) == ROWS[:1]


@pytest.mark.parametrize(
    "labels",
    [
        {"answers": []},
        {"answers": {"text": [], "answer_start": []}},
        {"is_impossible": True},
        {"answers": None, "is_impossible": True},
        {"answers": [], "is_impossible": True},
    ],
)
def test_line_without_possible_answer(write, labels):
    (row,) = read(write("a.jsonl", line(**labels)))
    assert (row["answers"], row["impossible"]) == ([], True)


@pytest.mark.parametrize(
    "labels", [{}, {"answers": None}, {"is_impossible": False}]
)
def test_line_without_labels(write, labels):
    (row,) = read(write("a.jsonl", line(**labels)))
    assert set(row) == {"id", "question", "context"}


def test_json_without_labels(write):
    path = write("a.json", squad({"id": "x", "question": "Who?"}))
    assert set(read(path)[0]) == {"id", "question", "context"}


def test_origin_of_a_line(write):
    path = write("a.jsonl", f"\n{line()}\n{line()}\n")
    assert [row.origin for row in QuestionFile(path)] == [
        f"{path}:2",
        f"{path}:3",
    ]


def test_id_of_a_line_is_its_number(write):
    path = write("a.jsonl", f"{line()}\n\n{line()}\n{line(id=77)}\n")
    assert [row["id"] for row in read(path)] == ["1", "3", "77"]


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_examples_can_be_read_again(write, name):
    rows = QuestionFile(
        write(name, squad(WHO, WHY) if name == "a.json" else line())
    )
    assert list(rows) == list(rows)


def test_lines_are_streamed(write):
    rows = iter(QuestionFile(write("a.jsonl", f"{line()}\n{{")))
    assert next(rows).values["id"] == "1"


def test_two_lines_with_one_id(write):
    path = write("a.jsonl", f"{line(id='2')}\n{line()}\n")
    expect(path, r"a.jsonl:2: every question .* Received: '2' again. Change")


def test_lines_without_questions(write):
    expect(write("a.jsonl", "\n"), "at least one question. Received: none")


def test_json_called_lines(write):
    path = write("a.jsonl", squad(WHO))
    expect(path, 'a.jsonl:1: .* Received: "data", .* with the format json')


@pytest.mark.parametrize(
    ("values", "pattern"),
    [
        ({"context": ...}, 'a.jsonl:1: "context" must be .* nothing'),
        ({"question": ...}, 'a.jsonl:1: "question" must be .* nothing'),
        ({"id": [1]}, r'a.jsonl:1: "id" must be a string .* \[1\]'),
        (
            {"answers": {"text": ["a", "b"], "answer_start": [1]}},
            'a.jsonl:1: "answers" must be a list, or have lists "text"',
        ),
        (
            {"answers": {"text": ["a"], "answer_start": ["1"]}},
            r"a.jsonl:1.answers\[0\]: \"answer_start\" must .* Received: '1'",
        ),
    ],
)
def test_wrong_line(write, values, pattern):
    expect(write("a.jsonl", line(**values)), pattern)


def test_unknown_ending():
    with pytest.raises(InputError, match=r"end with .json or .jsonl .*a.csv"):
        QuestionFile("a.csv")


def test_unknown_format():
    with pytest.raises(InputError, match="one of json, jsonl. .*'squad'"):
        QuestionFile("a.json", format="squad")


def test_absent_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "a.json")


@pytest.mark.skipif(
    not DATA.is_dir(), reason="needs the published data sets (KBZ_SHARED)"
)
@pytest.mark.parametrize(
    ("name", "num_questions", "num_answers", "num_impossible"),
    [
        ("squad/dev-v1.1.rebuilt", 10570, 34726, 0),
        ("squad/dev-v2.0.rebuilt", 11873, 20302, 5945),
        ("squad/cs224n_half_dev-v2.0", 6078, 10052, 3168),
        ("xquad/xquad.en", 1190, 1190, 0),
        ("xquad/xquad.de", 1190, 1190, 0),
        ("xquad/xquad.zh", 1190, 1190, 0),
    ],
)
def test_published_files(name, num_questions, num_answers, num_impossible):
    report = alignment_report(QuestionFile(DATA / f"{name}.json.gz"))
    assert report == AlignmentReport(
        num_questions, num_answers, num_impossible, ()
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_pipe_is_refused(tmp_path):
    os.mkfifo(tmp_path / "a.json")
    expect(tmp_path / "a.json", "a.json must be a file.*a pipe")
