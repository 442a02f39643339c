"""A vocabulary that is learned: the same for the same words."""

import hashlib
import pathlib
import sys
from collections import Counter

import programs
import pytest

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.tokenization import word_counts
from keras_bert_zoo.tokenization.wordpiece import training
from keras_bert_zoo.tokenization.wordpiece.trained_vocabulary import (
    WordPieceVocabulary,
)
from keras_bert_zoo.tokenization.wordpiece.training import count_words
from keras_bert_zoo.tokenization.wordpiece.training import train_vocabulary

TEXTS = [
    "The unhappy walker walked happily, unhappily walking!",
    "She walks; he talks: talkers, talking, talked.",
    "Größe, naïve café — 東京 and 京都.",
] * 3


def test_words_are_those_of_the_tokenizer():
    counts = count_words(["Don't stop, Café!", "don't  東京"], lowercase=True)
    assert counts == Counter(
        {
            "don": 2,
            "'": 2,
            "t": 2,
            "stop": 1,
            ",": 1,
            "cafe": 1,
            "!": 1,
            "東": 1,
            "京": 1,
        }
    )
    assert count_words(["Café Café"], lowercase=False) == {"Café": 2}


def test_rare_words_are_forgotten_where_there_are_too_many():
    texts = ["often " * 50] + [f"rare{n}x" for n in range(3000)]
    counts = count_words(texts, lowercase=True, max_words=1000)
    assert len(counts) <= 1000
    assert counts["often"] == 50


def test_a_vocabulary_has_special_reserved_and_learned_tokens():
    vocabulary = train_vocabulary(
        count_words(TEXTS, True), 90, reserved=["[unused0]", "[E1]"]
    )
    tokens = vocabulary.tokens
    special = list(training.SPECIAL_TOKENS)
    assert list(tokens[:7]) == [*special, "[unused0]", "[E1]"]
    assert {"w", "##a", "东", "京"} - set(tokens) == {"东"}
    assert any(len(token) > 4 and token.isalpha() for token in tokens)
    assert len(tokens) <= 90


def test_the_tokens_are_found_in_the_texts():
    tokenizer = WordPieceVocabulary.trained_on(TEXTS, 120).tokenizer
    ids = tokenizer.tokenize(TEXTS).flat_values
    assert tokenizer.vocabulary.unknown_id not in ids.numpy().tolist()
    assert tokenizer.lowercase
    cased = WordPieceVocabulary.trained_on(TEXTS, 120, cased=True)
    assert not cased.tokenizer.lowercase


@pytest.mark.slow
def test_two_processes_learn_the_same_vocabulary():
    program = pathlib.Path(__file__)
    (first,), (second,) = programs.run(program), programs.run(program)
    assert first == second


def test_all_three_tokenizers_are_compared(tmp_path):
    vocabulary = WordPieceVocabulary.trained_on(TEXTS, 100)
    vocabulary.save(tmp_path)
    found = dict(vocabulary.encoded(tmp_path, TEXTS))
    assert [*found] == [
        "the tokenizer in Python",
        "the engine graph",
        "the engine auto",
    ]
    first, *others = found.values()
    assert others == [first, first]


def test_words_with_rare_characters_teach_nothing():
    counts = Counter({"abab": 50, "cdcd": 40, "aξ": 1})
    vocabulary = train_vocabulary(counts, 50, max_characters=4)
    assert not any("ξ" in token for token in vocabulary.tokens)
    assert "abab" in vocabulary.tokens


def test_what_occurs_less_often_is_not_merged():
    counts = Counter({"ab": 3, "xy": 9})
    tokens = train_vocabulary(counts, 50, min_frequency=5).tokens
    assert "xy" in tokens
    assert "ab" not in tokens


def test_a_size_without_room_for_the_characters_is_refused():
    with pytest.raises(InputError, match=r"`size` must hold 5 .*size=8"):
        train_vocabulary(Counter({"abcdef": 3}), 8)


def test_texts_without_a_word_are_refused():
    with pytest.raises(InputError, match="without any"):
        train_vocabulary(count_words([" ", ""], True), 100)


def test_counts_are_scaled_down_where_there_are_many(monkeypatch):
    monkeypatch.setattr(word_counts, "MAX_TOTAL", 1000)
    counts = Counter({"ab": 400_000, "xy": 100_000, "zw": 1})
    texts = word_counts.repeated(counts)
    assert sum(text.count(" ") + 1 for text in texts) == 1001


if __name__ == "__main__":
    learned = train_vocabulary(count_words(TEXTS, True), 100)
    content = "\n".join(learned.tokens).encode()
    sys.stdout.write(f'"{hashlib.sha256(content).hexdigest()}"\n')
