"""What is refused in files with the JSON of SQuAD."""

import gzip
import json

import pytest

from keras_bert_zoo.errors import InputError
from task_heads.span_qa import files
from task_heads.span_qa.files import QuestionFile

CONTEXT = "Her father was a poet."
ANSWER = {"text": "a poet", "answer_start": 15}
WHO = {"id": "q1", "question": "What was he?", "answers": [ANSWER]}
WHY = {"id": "q2", "question": "Why?", "answers": [], "is_impossible": True}


def squad(*records, **paragraph):
    paragraph = {"context": CONTEXT, "qas": list(records), **paragraph}
    return {"version": "v2.0", "data": [{"paragraphs": [paragraph]}]}


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        if not isinstance(content, str | bytes):
            content = json.dumps(content)
        if isinstance(content, str):
            content = content.encode()
        path.write_bytes(content)
        return path

    return write


def expect(path, pattern):
    with pytest.raises(InputError, match=pattern):
        list(QuestionFile(path))


@pytest.mark.parametrize(
    ("content", "pattern"),
    [
        ([], "a.json: data must be a list, .* Received: no object. .* jsonl"),
        ({"rows": []}, "a.json: data must be a list, .* Received: nothing"),
        ({"data": {}}, r"a.json: data must be a list, .* Received: \{\}"),
        ({"data": [3]}, r"a.json: data\[0\] must be an object. Received: 3"),
        (
            {"data": [{"title": "x"}]},
            r"data\[0\].paragraphs must be a list, .* Received: nothing",
        ),
        (
            squad(qas=None),
            r"data\[0\].paragraphs\[0\].qas must be a list, .*: nothing",
        ),
        (
            squad(WHO, context=" "),
            r'data\[0\].paragraphs\[0\]: "context" must be .* Received: \' \'',
        ),
        (
            squad(WHO, "x"),
            r"paragraphs\[0\].qas\[1\] must be an object. Received: 'x'",
        ),
        (
            squad({**WHO, "id": None}),
            r'qas\[0\]: "id" must be a string .* Received: nothing. Give',
        ),
        (squad({**WHO, "id": ""}), r"\"id\" must be .* Received: ''"),
        (squad({**WHO, "id": True}), r"\"id\" must be .* Received: True"),
        (
            squad({**WHO, "question": 5}),
            r'qas\[0\]: "question" must be a string. Received: 5',
        ),
        (
            squad({**WHO, "answers": "x"}),
            r'qas\[0\]: "answers" must be a list. Received: \'x\'',
        ),
        (
            squad({**WHO, "answers": [ANSWER, "x"]}),
            r"qas\[0\].answers\[1\]: an answer must be .* Received: 'x'",
        ),
        (
            squad({**WHO, "answers": [{**ANSWER, "text": ""}]}),
            r"answers\[0\]: \"text\" must be .* Received: ''. Remove",
        ),
        (
            squad({**WHO, "answers": [{"text": "a poet"}]}),
            r'"answer_start" must be an integer. Received: nothing. Count',
        ),
        (
            squad({**WHO, "answers": [{**ANSWER, "answer_start": 4.0}]}),
            r'"answer_start" must be an integer. Received: 4.0',
        ),
        (
            squad({**WHO, "is_impossible": "no"}),
            r"\"is_impossible\" must be true or false. Received: 'no'",
        ),
        (
            squad({**WHY, "answers": [ANSWER]}),
            'not both or neither. Received: "is_impossible" True, 1 answers',
        ),
        (
            squad({**WHO, "answers": [], "is_impossible": False}),
            'not both or neither. Received: "is_impossible" False, 0 answers',
        ),
    ],
)
def test_wrong_structure_names_its_position(write, content, pattern):
    expect(write("a.json", content), pattern)


def test_two_questions_with_one_id(write):
    expect(
        write("a.json", squad(WHO, WHY, WHO)),
        r"qas\[2\]: every question must have its own id. Received: 'q1' again",
    )


@pytest.mark.parametrize("content", [{"data": []}, squad()])
def test_json_without_questions(write, content):
    expect(write("a.json", content), "at least one question. Received: none")


@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_json_cut_short(write, share):
    text = json.dumps(squad(WHO, WHY))
    path = write("a.json", text[: int(share * len(text))])
    expect(path, "a.json: the file must be one JSON value. Received invalid")


def test_lines_called_json(write):
    path = write("a.json", f"{json.dumps(WHO)}\n{json.dumps(WHY)}")
    expect(path, r"Extra data: line 2 column 1 .* is of the format jsonl")


def test_json_nested_too_deep(write):
    path = write("a.json", "[" * 100_000)
    expect(path, "Received invalid JSON: maximum recursion depth")


@pytest.mark.parametrize("name", ["a.json.gz", "a.json"])
def test_damaged_gzip(write, name):
    content = gzip.compress(json.dumps(squad(WHO, WHY)).encode())
    expect(write(name, content[:-40]), "a gzip file must be whole. Received")


def test_gz_that_is_not_gzip(write):
    path = write("a.json.gz", squad(WHO))
    expect(path, "Not a gzipped file")


def test_json_not_in_utf8(write):
    content = b'{"data": [\n"\xff"]}'
    expect(
        write("a.json", content),
        "a.json: text must be valid UTF-8. Received: byte 0xff in line 2",
    )


def test_json_in_utf16(write):
    path = write("a.json", json.dumps(squad(WHO)).encode("utf-16"))
    expect(path, "must be valid UTF-8. Received: a UTF-16 file. Convert")


@pytest.mark.parametrize("zipped", [False, True])
def test_json_above_the_limit(write, monkeypatch, zipped):
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 100)
    content = json.dumps(squad(WHO)).encode()
    path = write("a.json", gzip.compress(content) if zipped else content)
    expect(path, "may take at most 100 bytes, uncompressed. Received: more")
