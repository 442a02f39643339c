"""JSON Lines with tagged words or marked texts."""

import json

import pytest

from keras_bert_zoo.errors import InputError
from task_heads.tagging.files import TaggedFile


@pytest.fixture
def write(tmp_path):
    """Returns a function that writes records; `None` is a blank line."""

    def write(*records):
        path = tmp_path / "a.jsonl"
        lines = [
            json.dumps(record) if record is not None else ""
            for record in records
        ]
        path.write_text("\n".join(lines) + "\n", "utf-8")
        return path

    return write


def read(path):
    return [dict(row.values) for row in TaggedFile(path)]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"tokens": ["a"], "tags": ["O"], "id": 7}, ["tokens", "tags"]),
        ({"tokens": ["a"]}, ["tokens"]),
        ({"text": "a"}, ["text"]),
        ({"text": "a", "spans": []}, ["text", "spans"]),
    ],
)
def test_json_lines_keep_what_they_know(write, record, expected):
    assert read(write(record)) == [{key: record[key] for key in expected}]


@pytest.mark.parametrize("key", ["spans", "entities"])
def test_spans_are_sorted_triples(write, key):
    spans = [
        {"start": 7, "end": 11, "label": "LOC", "id": 1},
        [0, 3, "PER"],
    ]
    record = {"text": "Ada in Rome", key: spans}
    expected = [(0, 3, "PER"), (7, 11, "LOC")]
    assert read(write(record)) == [{"text": "Ada in Rome", "spans": expected}]


def test_spans_may_touch(write):
    record = {"text": "abcd", "spans": [[2, 4, "Y"], [0, 2, "X"]]}
    (row,) = read(write(record))
    assert row["spans"] == [(0, 2, "X"), (2, 4, "Y")]


@pytest.mark.parametrize(
    ("record", "pattern"),
    [
        ({}, 'either "tokens" or "text". Received: no keys. Give one'),
        ({"text": "a", "tokens": ["a"]}, "Received: 'text', 'tokens'. Give"),
        ({"tokens": []}, '"tokens" must have at least one word. Received'),
        ({"tokens": "a"}, "'tokens' must be a list of strings. Received: 'a'"),
        (
            {"tokens": ["a", ""]},
            "'tokens' .*not empty. Received: '' as number 2",
        ),
        ({"tokens": ["a"], "tags": [1]}, "'tags' .*Received: 1 as number 1"),
        ({"tokens": ["a"], "tags": None}, "'tags' must be a list.*None. Write"),
        ({"tokens": ["a"], "tags": []}, "Received: 1 tokens, 0 tags. Mend"),
        ({"tokens": ["a"], "spans": []}, "'tokens' must not have 'spans'. Rec"),
        ({"text": "a", "tags": ["O"]}, "'text' must not have 'tags'. Received"),
        ({"text": " "}, "more than spaces. Received: ' '. Mend or remove"),
        ({"text": 3}, "must be a string with more .*Received: 3. Mend"),
        ({"text": "a", "spans": [], "entities": []}, "Remove one"),
        ({"text": "a", "spans": {}}, "'spans' must be a list. Received: {}. A"),
    ],
)
def test_json_errors_name_the_line(write, record, pattern):
    with pytest.raises(InputError, match="a.jsonl:3: .*" + pattern):
        read(write({"tokens": ["a"]}, None, record))


@pytest.mark.parametrize(
    ("spans", "pattern"),
    [
        (
            [[0, 9, "X"]],
            "the text's 8 characters. Received: start=0, end=9, lab",
        ),
        ([[-1, 2, "X"]], "start at 0 or later.*Received: start=-1, end=2"),
        ([[3, 2, "X"]], "end after its start.*Received: start=3, end=2"),
        ([[2, 2, "X"]], "end after its start.*Received: start=2, end=2"),
        (
            [[3, 4, "X"]],
            "more than spaces. Received: start=3, end=4, label='X'",
        ),
        ([[0, 2, ""]], "label must be a string .*Received: ''. Write"),
        ([[0, 2, 5]], "label must be a string .*Received: 5. Write"),
        ([["0", 2, "X"]], "must be integers. Received: '0' and 2. Count"),
        ([[0, 2.0, "X"]], "must be integers. Received: 0 and 2.0. Count"),
        ([[False, 2, "X"]], "must be integers. Received: False and 2"),
        ([[0, 2]], r"a span must be .*Received: \[0, 2\]. Give all three"),
        ([{"start": 0, "end": 2}], "a span must be .*Received: {'start': 0"),
        (
            [[2, 5, "X"], [0, 3, "Y"]],
            r"overlap. Received: \[0, 3, 'Y'\] and \[2, 5, 'X'\]. Keep",
        ),
    ],
)
def test_span_errors_name_the_line(write, spans, pattern):
    record = {"text": "abc efgh", "spans": spans}
    with pytest.raises(InputError, match="a.jsonl:1: .*" + pattern):
        read(write(record))


def test_an_empty_json_file_is_refused(write):
    rule = "a.jsonl: a file must have at least one sentence. Received: none"
    with pytest.raises(InputError, match=rule):
        read(write(None))


def read_of(tmp_path, *records):
    path = tmp_path / "a.jsonl"
    lines = [json.dumps(one, ensure_ascii=False) for one in records]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [dict(one.values) for one in TaggedFile(path)]


def test_prodigys_lines_are_read(tmp_path):
    record = {
        "text": "Ada spoke",
        "_input_hash": 1,
        "tokens": [
            {"text": "Ada", "start": 0, "end": 3, "id": 0},
            {"text": "spoke", "start": 4, "end": 9, "id": 1},
        ],
        "spans": [
            {
                "start": 0,
                "end": 3,
                "token_start": 0,
                "token_end": 0,
                "label": "person",
            }
        ],
        "answer": "accept",
    }
    found = read_of(
        tmp_path,
        record,
        {**record, "answer": "reject"},
        {**record, "answer": "ignore"},
    )
    assert found == [{"text": "Ada spoke", "spans": [(0, 3, "person")]}]


@pytest.mark.parametrize(
    "spans",
    [
        {"label": [[0, 3, "person"]]},
        {"labels": [[0, 3, "person"]]},
        {
            "entities": [
                {"id": 1, "label": "person", "start_offset": 0, "end_offset": 3}
            ],
            "relations": [],
        },
    ],
)
def test_doccanos_lines_are_read(tmp_path, spans):
    found = read_of(tmp_path, {"id": 7, "text": "Ada spoke", **spans})
    assert found == [{"text": "Ada spoke", "spans": [(0, 3, "person")]}]
