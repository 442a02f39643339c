"""Files with a tagged word a line, and what all files share."""

import gzip
import json
import os
import pathlib

import pytest

from keras_bert_zoo.errors import InputError
from task_heads.tagging.files import TaggedFile
from task_heads.tagging.head import TaggingHead
from task_heads.tagging.schemes import count_invalid
from task_heads.tagging.schemes import detect_scheme

ROOT = pathlib.Path(__file__).parents[3]
DATA = ROOT / os.environ.get("KBZ_SHARED", "../shared") / "data"

CONLL = "Ada\tB-PER\nsleeps\tO\n\n\t\nIn\tO\nRome\tB-LOC\n"
ROWS = [
    {"tokens": ["Ada", "sleeps"], "tags": ["B-PER", "O"]},
    {"tokens": ["In", "Rome"], "tags": ["O", "B-LOC"]},
]
CONLLU = """\
# text = vámonos al mar
1-2\tvámonos\t_\t_\t_\t_\t_\t_\t_\t_
1\tvamos\tir\tVERB\tV\t_\t0\troot\t_\t_
2\tnos\tnosotros\tPRON\tP\t_\t1\tobj\t_\t_
2.1\tya\tya\tADV\tA\t_\t_\t_\t_\t_
3\tal mar\tmar\tNOUN\tN\t_\t1\tobl\t_\t_

# newdoc
1\t#\t#\tSYM\tS\t_\t0\troot\t_\t_
"""


@pytest.fixture
def write(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def read(path, **options):
    return [dict(row.values) for row in TaggedFile(path, **options)]


def expect(path, pattern, **options):
    with pytest.raises(InputError, match=pattern):
        read(path, **options)


@pytest.mark.parametrize("ending", ["conll", "txt", "tsv", "BIO", "iob2.gz"])
def test_a_word_a_line(write, ending):
    text = CONLL.encode()
    path = write(f"a.{ending}", gzip.compress(text) if "gz" in ending else text)
    assert read(path) == ROWS


@pytest.mark.parametrize(
    "text",
    [
        CONLL.replace("\t", " "),
        CONLL.replace("\t", "   "),
        CONLL.replace("\n", " \n"),
        CONLL.replace("\n", "\r\n"),
        "\ufeff" + CONLL,
        "\n \n" + CONLL + "\n\n",
        CONLL.removesuffix("\n"),
        "-DOCSTART-\tO\n\n" + CONLL,
        CONLL.replace("\n\n", "\n-DOCSTART- -X- O O\n"),
    ],
    ids=ascii,
)
def test_separators_line_ends_and_documents(write, text):
    assert read(write("a.conll", text)) == ROWS


def test_origin_is_the_line_of_the_first_word(write):
    path = write("a.conll", "-DOCSTART-\tO\n\n" + CONLL)
    origins = [row.origin for row in TaggedFile(path)]
    assert origins == [f"{path}:3", f"{path}:7"]


def test_a_file_can_be_read_twice(write):
    rows = TaggedFile(write("a.conll", CONLL))
    assert list(rows) == list(rows)


def test_the_last_of_several_fields_is_the_tag(write):
    path = write("a.conll", "EU NNP B-NP B-ORG\nin IN B-PP O\n")
    assert read(path) == [{"tokens": ["EU", "in"], "tags": ["B-ORG", "O"]}]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"tags": 2}, {"tokens": ["EU"], "tags": ["B-NP"]}),
        ({"text": 1, "tags": 0}, {"tokens": ["NNP"], "tags": ["EU"]}),
        ({"text": 0}, {"tokens": ["EU"]}),
    ],
)
def test_columns_can_be_chosen(write, columns, expected):
    path = write("a.conll", "EU NNP B-NP B-ORG\n")
    assert read(path, columns=columns) == [expected]


def test_words_alone_need_no_tags(write):
    path = write("a.txt", "in\nRome\n\nAda\n")
    assert read(path, columns={"text": 0}) == [
        {"tokens": ["in", "Rome"]},
        {"tokens": ["Ada"]},
    ]


@pytest.mark.parametrize("word", ["#", "New York", " ", "\ufe0f", "\u00a0"])
def test_a_word_before_a_tab_is_kept_as_it_is(write, word):
    path = write("a.conll", f"{word}\tO \n")
    assert read(path) == [{"tokens": [word], "tags": ["O"]}]


def test_a_no_break_space_does_not_separate(write):
    path = write("a.conll", "10\u00a0km O\n")
    assert read(path)[0]["tokens"] == ["10\u00a0km"]


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("Ada\tO\nin\tX\tO\n", "a.conll:2: .*first, 2. Received: 3 in 'in"),
        ("Ada O\n\nin\n", "a.conll:3: .*first, 2. Received: 1 in 'in'. Sep"),
        ("Ada\n", "a.conll:1: .*a word and a tag. Received: 'Ada' alone. Add"),
        ("Ada\tO\n\tO\n", "a.conll:2: a word must not be empty. Received"),
        ("Ada\t \n", "a.conll:1: a tag must not be empty. Received: 'Ada"),
        ("", "a.conll: a file must have at least one sentence. Received: no"),
        ("-DOCSTART- O\n\n", "at least one sentence. Received: none. Check"),
        (b"Ada\tO\nb\xe9\tO\n", "a.conll:2: text must be valid UTF-8"),
    ],
)
def test_conll_errors_name_the_line(write, text, pattern):
    expect(write("a.conll", text), pattern)


def test_a_column_must_exist(write):
    path = write("a.conll", "Ada O\n")
    rule = "a.conll:1: the tag must be .* 0 to 1. Received: column 3. Name"
    expect(path, rule, columns={"tags": 3})


def test_conllu_gives_forms_and_upos(write):
    assert read(write("a.conllu", CONLLU)) == [
        {
            "tokens": ["vamos", "nos", "al mar"],
            "tags": ["VERB", "PRON", "NOUN"],
        },
        {"tokens": ["#"], "tags": ["SYM"]},
    ]


def test_conllu_origin_is_the_first_word(write):
    path = write("a.conllu", CONLLU)
    origins = [row.origin for row in TaggedFile(path)]
    assert origins == [f"{path}:3", f"{path}:9"]


def test_conllu_columns_can_be_chosen(write):
    path = write("a.conllu", CONLLU)
    first, _ = read(path, columns={"text": 2, "tags": 4})
    assert first == {
        "tokens": ["ir", "nosotros", "mar"],
        "tags": ["V", "P", "N"],
    }


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        (
            "1 a a X X _ 0 root _ _\n",
            ":1: a line must have 10 .*Received: 1 in",
        ),
        ("#\n1\ta\tO\n", "a.conllu:2: a line must have 10 fields.*Received: 3"),
        (CONLLU.replace("3\ta", "x\ta"), ":6: the first .*Received: 'x'. Mend"),
        (CONLLU.replace("\tnos\t", "\t\t"), ":4: a word must not be empty"),
        ("# text = a\n\n", "a.conllu: a file must have at least one sentence"),
    ],
)
def test_conllu_errors_name_the_line(write, text, pattern):
    expect(write("a.conllu", text), pattern)


def test_an_unknown_ending_is_refused():
    with pytest.raises(InputError, match=".conllu or .jsonl.*Received: a.json"):
        TaggedFile("a.json")


def test_a_given_format_goes_before_the_ending(write):
    assert read(write("a.data", CONLL), format="conll") == ROWS


def test_an_unknown_format_is_refused():
    rule = "one of conll, conllu, jsonl. Received: format='csv'. Leave it"
    with pytest.raises(InputError, match=rule):
        TaggedFile("a.conll", format="csv")


@pytest.mark.parametrize(
    "columns",
    [{"label": 1}, {"tags": "1"}, {"tags": -1}, {"text": True}, [0, 1]],
)
def test_columns_must_be_numbers_of_known_fields(columns):
    with pytest.raises(InputError, match="must give .* Rec|from 0. Rec"):
        TaggedFile("a.conll", columns=columns)


@pytest.mark.parametrize(
    ("record", "columns", "expected"),
    [
        (
            {"words": ["a", "b"], "ner_tags": ["O", "B-x"], "tags": [1, 2]},
            {"text": "words", "tags": "ner_tags"},
            {"tokens": ["a", "b"], "tags": ["O", "B-x"]},
        ),
        (
            {"sentence": "a b", "marked": [[0, 1, "x"]]},
            {"text": "sentence", "tags": "marked"},
            {"text": "a b", "spans": [(0, 1, "x")]},
        ),
    ],
)
def test_keys_of_json_lines_have_other_names(
    tmp_path, record, columns, expected
):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(record))
    (row,) = TaggedFile(path, columns=columns)
    assert row.values == expected
    with pytest.raises(InputError, match="a.jsonl:1: .* without 'nothing'"):
        list(TaggedFile(path, columns={"tags": "nothing"}))


def test_keys_of_json_lines_are_strings():
    with pytest.raises(InputError, match="jsonl file must be a key. Rec"):
        TaggedFile("a.jsonl", columns={"tags": 1})


def test_a_carriage_return_alone_ends_no_line(tmp_path):
    path = tmp_path / "a.conll"
    path.write_bytes(b"a O\rb O\r\ra B-x\r")
    with pytest.raises(InputError, match="a.conll:1: .*LF or CRLF. Received"):
        list(TaggedFile(path))


@pytest.mark.skipif(
    not DATA.is_dir(), reason="needs the published data sets (KBZ_SHARED)"
)
@pytest.mark.parametrize(
    ("name", "num_sentences", "num_tokens", "num_starts"),
    [
        ("wnut17/train.conll", 3394, 62730, 1975),
        ("wnut17/dev.conll", 1009, 15733, 836),
        ("wnut17/test.conll", 1287, 23394, 1079),
        ("ncbi_disease/train.tsv.gz", 5424, 135701, 5134),
        ("ncbi_disease/devel.tsv", 923, 23969, 787),
        ("ncbi_disease/test.tsv", 940, 24497, 960),
    ],
)
def test_sentences_and_tags_are_as_published(
    name, num_sentences, num_tokens, num_starts
):
    rows = list(TaggedFile(DATA / name))
    tags = [tag for row in rows for tag in row.values["tags"]]
    assert len(rows) == num_sentences
    assert len(tags) == num_tokens
    assert sum(tag.startswith("B-") for tag in tags) == num_starts


@pytest.mark.skipif(
    not DATA.is_dir(), reason="needs the published data sets (KBZ_SHARED)"
)
@pytest.mark.parametrize("name", ["wnut17/dev.conll", "ncbi_disease/test.tsv"])
def test_published_tags_are_valid_iob2(name):
    sequences = [row.values["tags"] for row in TaggedFile(DATA / name)]
    assert detect_scheme(sequences) == "IOB2"
    assert not sum(count_invalid(tags, "IOB2") for tags in sequences)


SENTENCES = "Angela Merkel visited Paris\nBarack Obama left Berlin\n"


def texts_to_predict(tmp_path, name, content, column=None, format=None):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    read = TaggingHead.read_file(path, {"text": column}, format)
    return [dict(one.values) for one in read]


@pytest.mark.parametrize(
    ("name", "content", "options"),
    [
        ("a.txt", SENTENCES, {}),
        ("a.txt", "Ada spoke\nShe left.\n", {}),
        ("a.txt", "one\ntwo\n", {"format": "lines"}),
        ("a.csv", "id,text\n1,Ada spoke\n2,x\n", {}),
        ("a.tsv", "id\tbody\n1\tAda spoke\n", {"column": "body"}),
    ],
)
def test_plain_texts_are_predicted_as_they_stand(
    tmp_path, name, content, options
):
    for values in texts_to_predict(tmp_path, name, content, **options):
        assert set(values) == {"text"}
        assert values["text"] in content


@pytest.mark.parametrize(
    "content",
    [
        "Ada B-person\nspoke O\n\nShe O\n",
        "Ada NNP\nspoke VBD\n",
        "Ada\nspoke\n\nShe\n",
        "-DOCSTART- -X-\n\nAda NNP x B-person\nspoke VBD x O\n",
    ],
)
def test_columns_of_words_are_predicted_as_words(tmp_path, content):
    found = texts_to_predict(tmp_path, "a.txt", content)
    assert found[0] == {"tokens": ["Ada", "spoke"]}
    # With tags, a file always has words.
    path = tmp_path / "a.txt"
    path.write_text(SENTENCES)
    both = TaggingHead.read_file(path, {"text": None, "tags": None})
    assert next(iter(both)).values["tags"] == ["Paris", "Berlin"]
