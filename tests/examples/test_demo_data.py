"""The demo's messages: balanced, unique, and no training row held out."""

import collections
import pathlib
import re

import pytest

DATA = pathlib.Path(__file__).parents[2] / "examples" / "data"
SPLITS = {"train": 120, "heldout": 40}


def read(split):
    lines = (DATA / f"messages_{split}.tsv").read_text("utf-8").splitlines()
    assert lines[0] == "text\tlabel"
    return [tuple(line.split("\t")) for line in lines[1:]]


def words(text):
    return set(re.findall(r"\w+", text.lower()))


@pytest.mark.parametrize("split", SPLITS)
def test_labels_are_balanced(split):
    counts = collections.Counter(label for _, label in read(split))
    expected = SPLITS[split]
    assert counts == dict.fromkeys(
        ["negative", "neutral", "positive"], expected
    )


def test_no_message_occurs_twice():
    texts = [
        " ".join(sorted(words(text))) for s in SPLITS for text, _ in read(s)
    ]
    assert len(set(texts)) == len(texts)


def test_heldout_messages_share_few_words_with_training_messages():
    training = [words(text) for text, _ in read("train")]
    overlaps = [
        len(words(text) & other) / len(words(text) | other)
        for text, _ in read("heldout")
        for other in training
    ]
    assert max(overlaps) < 0.4


def test_lengths_vary():
    lengths = [len(text.split()) for text, _ in read("train")]
    assert min(lengths) <= 4
    assert max(lengths) >= 20
