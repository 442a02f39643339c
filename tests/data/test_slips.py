"""Slips in labels and texts are said before training, with an example."""

import pytest

from keras_bert_zoo.data import MemoryExamples
from keras_bert_zoo.data import check_examples
from keras_bert_zoo.data import overlap_of
from keras_bert_zoo.data import slips_of
from task_heads.classification.head import ClassificationHead
from task_heads.tagging.head import TaggingHead


def slips(labels, texts=None):
    texts = texts or [f"text {n}" for n in range(len(labels))]
    rows = MemoryExamples({"text": texts, "label": labels})
    return slips_of(
        check_examples(rows, ClassificationHead.from_examples(rows))
    )


def test_clean_examples_have_none():
    assert slips(["pos", "neg"] * 3) == []


@pytest.mark.parametrize(
    ("labels", "shown"),
    [
        (
            ["pos", "neg", "pos ", "Pos"] * 2,
            "'pos' (2, example 1), 'pos ' (2, example 3), 'Pos' (2, example 4)",
        ),
        (["1", "2", "1.0"] * 2, "'1' (2, example 1), '1.0' (2, example 3)"),
    ],
)
def test_labels_that_are_nearly_the_same_are_named(labels, shown):
    (line,) = slips(labels)
    assert (
        line == f"labels that are nearly the same are different ones: {shown}"
    )


def test_labels_that_occur_once_are_named():
    assert slips(["a", "a", "b", "b", "c"]) == [
        "1 of 3 labels occur once: 'c' (example 5)"
    ]
    # Where all do, each text is of a kind of its own.
    assert slips(["a", "b"]) == []


def test_labels_of_their_own_are_named():
    (line,) = slips([f"id {n}" for n in range(20)])
    assert line.startswith("each of 20 examples has a label of its own, such")
    assert slips([f"id {n}" for n in range(19)]) == []


def test_texts_that_are_all_the_same_are_named():
    assert slips(["a", "b"] * 2, ["same"] * 4) == ["all 4 texts are the same"]


@pytest.mark.parametrize("tag", ["B_LOC", "LOC-B", "b-loc", "B:LOC"])
def test_tags_that_spell_no_span_are_named(tag):
    tokens = [["a", "b"], ["c", "d"]]
    rows = MemoryExamples({"tokens": tokens, "tags": [[tag, "O"]] * 2})
    report = check_examples(rows, TaggingHead.from_examples(rows))
    assert slips_of(report) == [
        "tags are read as they stand, and spell spans as B-TYPE and I-TYPE "
        f"alone: {tag!r} (2, example 1)"
    ]


def test_proper_tags_are_not_named():
    tags = [["B-LOC", "I-LOC", "O", "E-x-1", "S-PER"]] * 2
    tokens = [list("abcde"), list("fghij")]
    rows = MemoryExamples({"tokens": tokens, "tags": tags})
    assert slips_of(check_examples(rows, TaggingHead.from_examples(rows))) == []


def test_texts_of_both_data_sets_are_named():
    def report(texts):
        rows = MemoryExamples({"text": texts, "label": ["a", "b", "a"]})
        return check_examples(rows, ClassificationHead(["a", "b"]))

    train, other = report(["x", "y", "z"]), report(["u", "x", "v"])
    assert overlap_of({"train": train}) == []
    assert overlap_of({"train": train, "validation": other}) == [
        "1 different texts of 3 to validate on are among those to train on "
        "(example 2)"
    ]
