"""Reading, checking and writing vocabularies."""

import hashlib

import pytest

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.tokenization.wordpiece.vocabulary import Vocabulary

TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "caf", "##é")


def test_ids_are_positions():
    vocabulary = Vocabulary(TOKENS)
    assert len(vocabulary) == 7
    assert vocabulary.token_to_id("caf") == 5
    assert vocabulary.id_to_token(6) == "##é"
    assert "caf" in vocabulary


def test_special_ids():
    vocabulary = Vocabulary(TOKENS)
    assert (vocabulary.padding_id, vocabulary.unknown_id) == (0, 1)
    assert (vocabulary.start_id, vocabulary.separator_id) == (2, 3)
    assert vocabulary.mask_id == 4


def test_special_tokens_may_have_other_names():
    tokens = ("<p>", "<u>", "<s>", "</s>", "<m>")
    vocabulary = Vocabulary(
        tokens,
        padding="<p>",
        unknown="<u>",
        start="<s>",
        separator="</s>",
        mask="<m>",
    )
    assert tuple(vocabulary.special_tokens().values()) == tokens


def test_file_round_trip(tmp_path):
    path = tmp_path / "vocab.txt"
    Vocabulary(TOKENS).save(path)
    assert path.read_bytes() == ("\n".join(TOKENS) + "\n").encode()
    assert Vocabulary.from_file(path) == Vocabulary(TOKENS)


def test_windows_line_ends_are_no_part_of_tokens(tmp_path):
    path = tmp_path / "vocab.txt"
    path.write_bytes("\r\n".join(TOKENS).encode())
    assert Vocabulary.from_file(path).tokens == TOKENS


def test_unicode_line_separators_are_tokens(tmp_path):
    path = tmp_path / "vocab.txt"
    path.write_text("\n".join([*TOKENS, "\u2028", "\x85"]), encoding="utf-8")
    assert Vocabulary.from_file(path).tokens[7:] == ("\u2028", "\x85")


def test_sha256_is_that_of_the_file(tmp_path):
    path = tmp_path / "vocab.txt"
    vocabulary = Vocabulary(TOKENS)
    vocabulary.save(path)
    assert vocabulary.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must hold tokens. Received: none"),
        (b"[UNK]\n[CLS]\n", "its padding token. Received: 2 tokens without"),
        (b"a\nb\na\n", "line 3: a token must occur once. Received: 'a'"),
        (b"a\n\nb\n", "line 2: a token must be text without line breaks"),
        (b"a\n\xff\xfe\n", "line 2: a vocabulary must be UTF-8"),
    ],
)
def test_bad_files_are_refused_with_file_and_line(tmp_path, content, message):
    path = tmp_path / "vocab.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        Vocabulary.from_file(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="absent.txt.*Check the path"):
        Vocabulary.from_file(tmp_path / "absent.txt")


def test_tokens_must_be_text():
    with pytest.raises(InputError, match="line 2: a token must be a str"):
        Vocabulary(["a", b"b"])


def test_unknown_tokens_are_refused():
    with pytest.raises(InputError, match="one of the vocabulary's 7.*'tea'"):
        Vocabulary(TOKENS).token_to_id("tea")


@pytest.mark.parametrize("token_id", [-1, 7])
def test_ids_outside_the_vocabulary_are_refused(token_id):
    with pytest.raises(InputError, match=rf"\[0, 7\). Received: {token_id}"):
        Vocabulary(TOKENS).id_to_token(token_id)
