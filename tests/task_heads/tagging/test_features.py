"""Words of raw texts: between spaces, without the marks at their ends."""

import pytest
import tensorflow as tf

from keras_bert_zoo import testing
from task_heads.tagging.features import find_words

RAW = [
    ("", []),
    (" \t ", []),
    ("one two", ["one", "two"]),
    ("(one).", ["(", "one", ")", "."]),
    ("U.S.-based firms", ["U.S.-based", "firms"]),
    ("the U.S.", ["the", "U.S", "."]),
    ("don't", ["don't"]),
    ("R&D, A-1!", ["R&D", ",", "A-1", "!"]),
    ("?!...", ["?", "!", ".", ".", "."]),
    ("東京タワー", ["東", "京", "タワー"]),
    ("x東y", ["x", "東", "y"]),
    ("café…", ["café", "…"]),
    ("cafe\u0301, cafe\u0301", ["cafe\u0301", ",", "cafe\u0301"]),
    ("❤\ufe0f\u0301 x\u200b", ["❤\ufe0f\u0301", "x"]),
]
# In scripts whose words an unknown character may end.
ODD = [
    ("東京タワー", ["東", "京", "タワー"]),
    ("xyz東京", ["xyz", "東", "京"]),
    ("„xyz…“", ["„", "xyz", "…", "“"]),
    ("xyz…q", ["xyz…q"]),
    ("…\u0301 東\u0301京", ["…\u0301", "東\u0301", "京"]),
    ("❤❤", ["❤❤"]),
    ("a\U0002a6d6b\U0002a6d7", ["a", "\U0002a6d6", "b", "\U0002a6d7"]),
]
MARKS = "( ) . , ' \" ! ? - & …"
ALL = " ".join([MARKS, "a. (b c)", *(text for text, _ in RAW + ODD)])


def words_of(text, known=ALL, **arguments):
    tokenizer = testing.tiny_tokenizer([known])
    spans = tokenizer.tokenize_with_offsets([text])
    found = find_words(tf.constant([text]), spans, tokenizer, **arguments)
    starts, ends = found.char_starts[0].numpy(), found.char_ends[0].numpy()
    return [text[start:end] for start, end in zip(starts, ends)]


@pytest.mark.parametrize(("text", "words"), RAW)
def test_words_of_raw_texts(text, words):
    assert words_of(text) == words


@pytest.mark.parametrize(("text", "words"), ODD)
def test_words_do_not_depend_on_the_vocabulary(text, words):
    assert words_of(text) == words
    assert words_of(text, known="one") == words


def test_given_words_are_kept_as_they_are():
    starts = tf.ragged.constant([[0, 3]], dtype=tf.int32)
    assert words_of("a. (b c)", word_starts=starts) == ["a.", "(b c)"]


def test_a_word_without_tokens_is_known_to_have_none():
    tokenizer = testing.tiny_tokenizer(["a b é"])
    texts = tf.constant(["a \ufe0f b é\ufe0f \ufe0f"])
    found = find_words(
        texts,
        tokenizer.tokenize_with_offsets(texts),
        tokenizer,
        tf.ragged.constant([[0, 2, 6, 8, 14]], dtype=tf.int32),
    )
    assert found.first_tokens.to_list() == [[0, -1, 1, 2, -1]]
    assert found.byte_starts.to_list() == [[0, 2, 6, 8, 14]]
    assert found.byte_ends.to_list() == [[1, 5, 7, 13, 17]]
    assert found.char_starts.to_list() == [[0, 2, 4, 6, 9]]
    assert found.char_ends.to_list() == [[1, 3, 5, 8, 10]]


def test_texts_do_not_run_into_each_other():
    tokenizer = testing.tiny_tokenizer(["ab"])
    texts = tf.constant(["ab", "", "ab ab"])
    found = find_words(
        texts,
        tokenizer.tokenize_with_offsets(texts),
        tokenizer,
    )
    assert found.byte_starts.to_list() == [[0], [], [0, 3]]
    assert found.byte_ends.to_list() == [[2], [], [2, 5]]
