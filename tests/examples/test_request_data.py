"""The requests of the tagging example: counted, aligned, none held out."""

import collections
import pathlib
import re

import pytest

from keras_bert_zoo import testing
from keras_bert_zoo.data.readers.json_lines import RecordFile
from task_heads.tagging.alignment import misaligned_spans
from task_heads.tagging.files import TaggedFile

DATA = pathlib.Path(__file__).parents[2] / "examples" / "data"
COUNTS = {
    "train": (90, {"product": 65, "place": 42, "date": 43}),
    "heldout": (30, {"product": 22, "place": 15, "date": 15}),
}


def read(split):
    return list(TaggedFile(DATA / f"requests_{split}.jsonl"))


def marked(split, label):
    return {
        row.values["text"][start:end].lower()
        for row in read(split)
        for start, end, name in row.values["spans"]
        if name == label
    }


@pytest.mark.parametrize("split", COUNTS)
def test_counts_are_those_of_the_readme(split):
    rows = read(split)
    labels = collections.Counter(
        label for row in rows for *_, label in row.values["spans"]
    )
    assert (len(rows), labels) == COUNTS[split]
    assert len({row.values["text"] for row in rows}) == len(rows)


@pytest.mark.parametrize("label", ["product", "place"])
def test_heldout_products_and_places_are_new(label):
    assert not marked("heldout", label) & marked("train", label)


@pytest.mark.parametrize("split", COUNTS)
def test_spans_end_where_words_end(split):
    rows = read(split)
    tokenizer = testing.tiny_tokenizer([row.values["text"] for row in rows])
    assert list(misaligned_spans(rows, tokenizer)) == []


@pytest.mark.parametrize("split", COUNTS)
def test_every_request_has_an_intent_of_the_readme(split):
    readme = " ".join((DATA / "README.md").read_text().split())
    listed = readme.split("An intent is one of ")[1].split(";")[0]
    intents = set(re.findall("`([a-z]+)`", listed))
    rows = list(RecordFile(DATA / f"requests_{split}.jsonl"))
    assert {row.values["intent"] for row in rows} == intents
