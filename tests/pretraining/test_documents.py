"""Documents and sentences of text files."""

import gzip

import pytest

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.pretraining.documents import read_documents
from keras_bert_zoo.pretraining.documents import split_text


def read(path, **options):
    return [one.sentences for one in read_documents([path], **options)]


def test_blank_lines_separate_documents(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_text("\n\nOne line.\nTwo lines.\n \n\nAnother.\n\n")
    documents = list(read_documents([path]))
    assert [one.sentences for one in documents] == [
        ["One line.", "Two lines."],
        ["Another."],
    ]
    assert [one.origin for one in documents] == [f"{path}:3", f"{path}:7"]


def test_blank_files_are_named(tmp_path):
    paths = [tmp_path / "a.txt", tmp_path / "b.jsonl"]
    paths[0].write_text("\n \n")
    paths[1].write_text('{"text": ""}\n')
    with pytest.raises(InputError, match="a.txt, .*b.jsonl"):
        list(read_documents(paths))
    paths[0].write_text("A text.")
    assert len(list(read_documents(paths))) == 1


def test_gzipped_files_are_read_one_after_the_other(tmp_path):
    paths = [tmp_path / "a.txt.gz", tmp_path / "b.txt.gz"]
    for path in paths:
        with gzip.open(path, "wt") as stream:
            stream.write(f"Of {path.name[0]}.\n")
    found = [one.sentences for one in read_documents(paths)]
    assert found == [["Of a."], ["Of b."]]


def test_a_directory_stands_for_all_files_in_it(tmp_path):
    folder = tmp_path / "texts"
    for name in ("b.txt", "a/d/c.txt", "a/b.txt", ".hidden", ".git/index"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"Text {name}.\n")
    (folder / "a" / "up").symlink_to(folder)
    found = [one.sentences for one in read_documents([folder])]
    assert found == [["Text a/b.txt."], ["Text a/d/c.txt."], ["Text b.txt."]]


def test_each_line_can_be_a_document(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_text("One. Two.\n\nThree.\n")
    assert read(path, format="lines") == [["One.", "Two."], ["Three."]]


def test_json_lines_have_the_text_under_a_key(tmp_path):
    path = tmp_path / "corpus.jsonl"
    path.write_text('{"text": "One. Two.\\nThree"}\n{"text": " "}\n')
    assert read(path) == [["One.", "Two.", "Three"]]
    path.write_text('{"body": "One"}\n')
    assert read(path, text_key="body") == [["One"]]
    with pytest.raises(InputError, match=r"jsonl:1: .*'text'.*body"):
        read(path)


def test_lines_that_are_sentences_already_stay_whole(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_text("One. Two.\nThree. Four.\n")
    assert read(path, split="lines") == [["One. Two.", "Three. Four."]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ('"Go!" he said. She went.', ['"Go!" he said.', "She went."]),
        ("He said “Go.” Then", ["He said “Go.”", "Then"]),
        ("Mr. J. Smith of St. Ives", ["Mr. J. Smith of St. Ives"]),
        ("It cost 3.5 per cent. of it", ["It cost 3.5 per cent. of it"]),
        ("In 1990. 20 men came.", ["In 1990.", "20 men came."]),
        ("你好。他来了！", ["你好。", "他来了！"]),
        ("  ", []),
        ("...", ["..."]),
        ("Été. Été.", ["Été.", "Été."]),
    ],
)
def test_sentences_end_with_their_punctuation(text, expected):
    assert split_text(text) == expected


def test_no_character_is_lost_between_sentences():
    text = "A b. C (d.) E! “F?” G… H. “I” J.  K?!  L: m."
    joined = "".join(split_text(text))
    assert joined.replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize("option", ["format", "split"])
def test_unknown_ways_to_read_are_refused(option, tmp_path):
    with pytest.raises(InputError, match=f"`{option}` must be one of"):
        read(tmp_path / "corpus.txt", **{option: "other"})


def test_text_that_is_not_utf8_names_its_line(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_bytes(b"fine\nbad \xff\n")
    with pytest.raises(InputError, match=r"corpus.txt:2: .*UTF-8"):
        read(path)


def test_a_directory_without_files_is_named(tmp_path):
    with pytest.raises(InputError, match=f"in {tmp_path}"):
        next(read_documents([tmp_path]))
