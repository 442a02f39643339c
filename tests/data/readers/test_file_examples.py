import gzip
import os
import re

import pytest

from keras_bert_zoo.data import FileExamples
from keras_bert_zoo.data.readers import lines
from keras_bert_zoo.errors import InputError

COLUMNS = {"text": "sentence", "label": "kind"}
CONTENT = {
    "tsv": "kind\tsentence\n1\tgood day\n0\tbad day\n",
    "csv": "kind,sentence\n1,good day\n0,bad day\n",
    "jsonl": (
        '{"kind": "1", "sentence": "good day"}\n'
        '{"kind": "0", "sentence": "bad day"}\n'
    ),
}
BAD_UTF8 = b"kind\tsentence\n1\tgood\n0\tb\xe9te\n"


def read(path, columns=COLUMNS, format=None):
    return [dict(row.values) for row in FileExamples(path, columns, format)]


def texts(path, columns=COLUMNS, format=None):
    return [row["text"] for row in read(path, columns, format)]


def expect(path, pattern, columns=COLUMNS, format=None):
    with pytest.raises(InputError, match=pattern):
        read(path, columns, format)


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("format", CONTENT)
def test_named_columns_are_read(write, format, ending):
    path = write(f"train.{format}{ending}", CONTENT[format])
    assert read(path) == [
        {"text": "good day", "label": "1"},
        {"text": "bad day", "label": "0"},
    ]


@pytest.mark.parametrize(
    ("format", "origin"), [("tsv", 3), ("csv", 3), ("jsonl", 2)]
)
def test_origin_names_file_and_line(write, format, origin):
    path = write(f"train.{format}", CONTENT[format])
    assert list(FileExamples(path, COLUMNS))[-1].origin == f"{path}:{origin}"


def test_examples_can_be_read_twice(write):
    rows = FileExamples(write("train.tsv", CONTENT["tsv"]), COLUMNS)
    assert list(rows) == list(rows)


def test_gzip_is_known_by_its_first_bytes(write):
    path = write("train.tsv", gzip.compress(CONTENT["tsv"].encode()))
    assert texts(path) == ["good day", "bad day"]


def test_format_can_be_given(write):
    path = write("train.txt", CONTENT["tsv"])
    assert texts(path, format="tsv") == ["good day", "bad day"]


@pytest.mark.parametrize("format", CONTENT)
def test_chunks_line_ends_and_byte_order_mark(write, format):
    content = "\ufeff" + CONTENT[format].replace("\n", "\r\n")
    assert texts(write(f"a.{format}", content)) == ["good day", "bad day"]


@pytest.mark.parametrize("format", CONTENT)
def testlast_line_without_end_and_blank_lines(write, format):
    content = CONTENT[format].replace("\n", "\n\n").rstrip("\n")
    assert texts(write(f"a.{format}", content)) == ["good day", "bad day"]


@pytest.mark.parametrize("separator", ["\u2028", "\x85", "\x0b", "\x0c", "\r"])
def test_only_line_feeds_end_a_line(write, separator):
    path = write("a.tsv", f"kind\tsentence\n1\ta{separator}b\n")
    assert texts(path) == [f"a{separator}b"]


def test_quotes_are_ordinary_in_tsv(write):
    path = write("a.tsv", 'kind\tsentence\n1\t"so ""good\n0\tit\'s, "\n')
    assert texts(path) == ['"so ""good', "it's, \""]


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ('"a,b"', "a,b"),
        ('"a\nb"', "a\nb"),
        ('"a\r\n\r\nb"', "a\n\nb"),
        ('"say ""hi"""', 'say "hi"'),
        ('""', ""),
        ('""""', '"'),
        ("", ""),
    ],
)
def test_csv_quoting(write, field, text):
    path = write("a.csv", f"sentence,kind,c\n{field},1,\nx,0,\n")
    assert texts(path) == [text, "x"]


def test_csv_origin_is_the_first_line_of_a_row(write):
    path = write("a.csv", 'sentence,kind\n"a\nb",1\nc,0\n')
    origins = [row.origin for row in FileExamples(path, COLUMNS)]
    assert origins == [f"{path}:2", f"{path}:4"]


def test_json_values_keep_their_type(write):
    path = write("a.jsonl", '{"sentence": "a", "kind": [1, 2.5]}\n')
    assert read(path) == [{"text": "a", "label": [1, 2.5]}]


def test_numbered_columns_read_a_file_without_header(write):
    path = write("a.csv", "x\t5.0\tone\n x\t2.5\ttwo\tmore\n")
    assert read(path, {"text": 2, "label": 1}, format="tsv") == [
        {"text": "one", "label": "5.0"},
        {"text": "two", "label": "2.5"},
    ]


def test_missing_column_lists_the_columns(write):
    path = write("a.tsv", "kind\ttext\n1\tgood\n")
    expect(
        path,
        re.escape(path) + ":1: the column 'sentence' does not exist. "
        "Columns here: 'kind', 'text'",
    )


def test_missing_json_key_names_the_line(write):
    path = write("a.jsonl", CONTENT["jsonl"] + '{"kind": 1}\n')
    expect(path, r"a\.jsonl:3: the column 'sentence'.*Columns here: 'kind'")


def test_repeated_column_is_refused(write):
    path = write("a.tsv", "kind\tsentence\tkind\n1\tgood\t0\n")
    expect(path, "a.tsv:1: a column's name must be unique.*'kind' 2 times")


@pytest.mark.parametrize(
    ("line", "remedy"), [("0", "missing"), ("0\tgood\tday", "separators")]
)
def test_wrong_number_of_fields_names_the_line(write, line, remedy):
    path = write("a.tsv", f"kind\tsentence\n1\tgood\n{line}\n")
    received = len(line.split("\t"))
    expect(
        path,
        rf"a.tsv:3: a row must have 2 fields.*Received: {received}\. .*"
        f"{remedy}",
    )


def test_too_few_fields_without_header(write):
    path = write("a.tsv", "1\tgood\n0\n")
    expect(
        path,
        "a.tsv:2: a row must have at least 2 fields. Received: 1",
        columns={"text": 1, "label": 0},
    )


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_invalid_utf8_names_line_and_byte(write, ending):
    path = write(f"a.tsv{ending}", BAD_UTF8)
    expect(path, ":3: text must be valid UTF-8. .*0xe9 at position 4")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_mark_at_the_beginning_tells_the_encoding(write, encoding, end):
    text = end.join(["kind\tsentence", "a\tä 🙂", "b\tc", ""])
    path = write("a.tsv", text.encode(encoding))
    rows = list(FileExamples(path, {"text": "sentence", "label": "kind"}))
    assert [dict(row.values) for row in rows] == [
        {"text": "ä 🙂", "label": "a"},
        {"text": "c", "label": "b"},
    ]
    assert rows[1].origin.endswith(":3")


def test_utf16_that_breaks_off_is_named(write):
    path = write("a.tsv", "kind\tsentence\na\tb".encode("utf-16")[:-1])
    expect(path, "that begins as UTF-16 must be so to its end")


def test_latin_1_is_named(write):
    path = write("a.tsv", "kind\tsentence\na\tcafé\n".encode("latin-1"))
    expect(path, "0xe9 at position 6, which is 'é' in Latin-1.*-f LATIN1")


@pytest.mark.parametrize("sign", [",", ";", "|", "\t"])
def test_csv_files_are_separated_by_what_their_first_line_has(write, sign):
    lines = [
        ["kind", "sentence"],
        ["a", f'"b, ""c""; d | e{sign} f"'],
        ["g", "h"],
    ]
    path = write("a.csv", "\n".join(sign.join(one) for one in lines) + "\n")
    rows = FileExamples(path, {"text": "sentence", "label": "kind"})
    assert [dict(row.values) for row in rows] == [
        {"text": f'b, "c"; d | e{sign} f', "label": "a"},
        {"text": "h", "label": "g"},
    ]


def test_a_comma_separates_whatever_else_a_line_has(write):
    path = write("a.csv", "kind,a;b;c\nx,y;z\n")
    rows = FileExamples(path, {"text": "a;b;c", "label": "kind"})
    assert [dict(row.values) for row in rows] == [{"text": "y;z", "label": "x"}]


@pytest.mark.parametrize("format", CONTENT)
@pytest.mark.parametrize("content", ["", "\n\n"])
def test_empty_file_is_refused(write, format, content):
    path = write(f"a.{format}", content)
    expect(path, "at least one example. Received: none")


@pytest.mark.parametrize("format", ["tsv", "csv"])
def test_header_alone_is_refused(write, format):
    path = write(f"a.{format}", CONTENT[format].splitlines()[0])
    expect(path, "at least one example. Received: none")


def test_cut_gzip_is_refused(write):
    whole = gzip.compress(CONTENT["tsv"].encode() * 500)
    expect(write("a.tsv", whole[:-20]), r"a.tsv:\d+: a gzip file must be whole")


def test_damaged_gzip_is_refused(write):
    whole = bytearray(gzip.compress(CONTENT["tsv"].encode()))
    whole[20] ^= 0xFF
    expect(write("a.tsv", bytes(whole)), "a gzip file must be whole")


def test_plain_file_named_gz_is_refused(write, tmp_path):
    path = tmp_path / "a.tsv.gz"
    path.write_text(CONTENT["tsv"])
    expect(str(path), "a.tsv.gz:1: a gzip file must be whole.*Not a gzipped")


@pytest.mark.parametrize(
    ("line", "pattern"),
    [
        ('{"kind": 1,', "a.jsonl:1: .*invalid JSON: Expecting"),
        ("[" * 100_000, "a.jsonl:1: .*invalid JSON"),
        ('["good"]', r"a.jsonl:1: .*Received: list \[\"good\"\]"),
        ("null", "a.jsonl:1: .*Received: NoneType null"),
    ],
)
def test_bad_json_line_is_refused(write, line, pattern):
    expect(write("a.jsonl", line + "\n"), pattern)


@pytest.mark.parametrize("line", ['"a"b,1', 'a "quoted" word,1', '"a""b"c"",1'])
def test_stray_csv_quote_is_refused(write, line):
    path = write("a.csv", f'sentence,kind\n{line}\n"c",0\n')
    expect(path, "a.csv:2: a field with quotes inside must stand in quotes")


@pytest.mark.parametrize("line", ['"b,0', '5" pipe,0'])
def test_open_csv_quote_names_its_line(write, line):
    path = write("a.csv", f"sentence,kind\na,1\n{line}\nc,1\n")
    expect(path, "a.csv:3: a quoted field must end with a quote")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.tsv", "kind\tsentence\n1\t" + "x" * 200 + "\n"),
        ("a.csv", 'kind,sentence\n1,"' + "xxxxxxxx\n" * 20),
        ("a.tsv.gz", "kind\tsentence\n1\t" + "x" * 200 + "\n"),
    ],
)
def test_absurdly_long_row_is_refused(write, monkeypatch, name, content):
    monkeypatch.setattr(lines, "MAX_ROW_BYTES", 100)
    monkeypatch.setattr(
        "keras_bert_zoo.data.readers.delimited.MAX_ROW_BYTES", 100
    )
    expect(write(name, content), ":2: a row may take at most 100 bytes")


def test_unknown_ending_is_refused():
    with pytest.raises(InputError, match="must end with .tsv, .csv or .jsonl"):
        FileExamples("train.txt", COLUMNS)


def test_unknown_format_is_refused():
    with pytest.raises(InputError, match="one of tsv, csv, jsonl.*'xml'"):
        FileExamples("train.tsv", COLUMNS, format="xml")


@pytest.mark.parametrize(
    "columns", [{}, {"text": 0, "label": "b"}, {"text": -1}, {"text": None}]
)
def test_bad_columns_are_refused(columns):
    with pytest.raises(InputError, match="`columns` must give each field"):
        FileExamples("train.tsv", columns)


def test_numbers_are_refused_for_jsonl():
    with pytest.raises(InputError, match="columns of a jsonl file are names"):
        FileExamples("train.jsonl", {"text": 0})


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
@pytest.mark.parametrize("name", ["a.tsv", "a.csv.gz", "a.jsonl"])
def test_a_pipe_is_refused(tmp_path, name):
    os.mkfifo(tmp_path / name)
    expect(tmp_path / name, f"{name} must be a file.*a pipe")


def test_missing_file_is_an_os_error():
    with pytest.raises(FileNotFoundError, match="absent.tsv"):
        read("absent.tsv")
