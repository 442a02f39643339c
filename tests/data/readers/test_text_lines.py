"""Files of texts, and the errors that name their lines."""

import gzip

import pytest

from keras_bert_zoo.data import check_examples
from keras_bert_zoo.data.readers.text_lines import TextLines
from keras_bert_zoo.errors import InputError
from task_heads.masked_lm.head import MaskedTokenHead


def read(path, column=None, format=None):
    rows = MaskedTokenHead.read_file(path, {"text": column}, format)
    return [(row.values["text"], row.origin.rpartition(":")[2]) for row in rows]


@pytest.mark.parametrize("name", ["corpus.txt", "corpus.txt.gz", "corpus.raw"])
def test_a_line_is_a_text(tmp_path, name):
    content = b'\xef\xbb\xbfone \xc3\xa9\r\n\n  \ntwo\tthree, "four"\nlast'
    path = tmp_path / name
    zipped = name.endswith(".gz")
    path.write_bytes(gzip.compress(content) if zipped else content)
    format = "txt" if name.endswith(".raw") else None
    assert read(path, format=format) == [
        ("one é", "1"),
        ('two\tthree, "four"', "4"),
        ("last", "5"),
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.tsv", "text\nhello\n"),
        ("a.csv", 'text,n\n"hello",1\n'),
        ("a.jsonl", '{"text": "hello"}\n'),
    ],
)
def test_other_files_have_a_column_of_texts(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    assert read(tmp_path / name)[0][0] == "hello"


def test_the_column_may_have_another_name(tmp_path):
    (tmp_path / "a.tsv").write_text("id\tbody\n1\thello\n")
    assert read(tmp_path / "a.tsv", "body") == [("hello", "2")]


def test_plain_text_has_no_columns(tmp_path):
    with pytest.raises(InputError, match="no columns. Received: .* 'body'"):
        read(tmp_path / "a.txt", "body")


def test_an_unknown_ending_is_refused(tmp_path):
    with pytest.raises(InputError, match="end with .txt, .tsv, .csv or .jsonl"):
        read(tmp_path / "a.docx")


def test_a_file_without_text_is_refused(tmp_path):
    (tmp_path / "a.txt").write_text("\n  \n")
    with pytest.raises(InputError, match="line of text"):
        list(TextLines(tmp_path / "a.txt"))


def test_a_line_without_a_gap_is_named(tmp_path):
    (tmp_path / "a.txt").write_text("a [MASK]\n\nno gap\n")
    rows = TextLines(tmp_path / "a.txt")
    with pytest.raises(InputError, match=r"a.txt:3: .* hold \[MASK\]"):
        check_examples(rows, MaskedTokenHead(), with_label=False)
    assert check_examples(rows, MaskedTokenHead()).num_examples == 2
