"""Labels that only validation or test has count as wrong and teach nothing."""

import logging as python_logging

import numpy as np
import pytest

from keras_bert_zoo.data import MemoryExamples
from keras_bert_zoo.errors import InputError
from task_heads.classification.head import ClassificationHead
from task_heads.multi_task.head import MultiTaskHead
from task_heads.tagging.head import TaggingHead

TEXTS = ["fine a", "dull b", "fine c"]
WORDS = [text.split() for text in TEXTS]
TAGS = [["B-x", "O"], ["O", "O"], ["B-x", "I-x"]]


def tags_with(tag):
    return [TAGS[0], TAGS[1], ["B-x", tag]]


HEADS = {
    "single": (
        lambda: ClassificationHead(["bad", "good"]),
        {"text": TEXTS, "label": ["bad", "good", "bad"]},
        {"text": TEXTS, "label": ["bad", "good", "odd"]},
        ["odd"],
    ),
    "balanced": (
        lambda: ClassificationHead(
            ["bad", "good"],
            class_weights={"bad": 1.0, "good": 2.0},
            label_smoothing=0.1,
        ),
        {"text": TEXTS, "label": ["bad", "good", "bad"]},
        {"text": TEXTS, "label": ["bad", "good", "odd"]},
        ["odd"],
    ),
    "several": (
        lambda: ClassificationHead(["bad", "good"], kind="multi_label"),
        {"text": TEXTS, "label": ["bad", "good", "bad|good"]},
        {"text": TEXTS, "label": ["bad", "good", "bad|odd"]},
        ["odd"],
    ),
    "tags": (
        lambda: TaggingHead(["O", "B-x", "I-x"]),
        {"tokens": WORDS, "tags": TAGS},
        {"tokens": WORDS, "tags": tags_with("B-y")},
        ["B-y"],
    ),
    "crf": (
        lambda: TaggingHead(["O", "B-x", "I-x"], crf=True),
        {"tokens": WORDS, "tags": TAGS},
        {"tokens": WORDS, "tags": tags_with("B-y")},
        ["B-y"],
    ),
    "spans": (
        lambda: TaggingHead(["O", "B-x", "I-x"]),
        {"text": TEXTS, "spans": [[(0, 4, "x")], [], [(0, 6, "x")]]},
        {"text": TEXTS, "spans": [[(0, 4, "x")], [], [(0, 6, "y")]]},
        ["y"],
    ),
    "tasks": (
        lambda: MultiTaskHead(
            {
                "intent": ClassificationHead(["bad", "good"]),
                "slots": TaggingHead(["O", "B-x", "I-x"]),
            }
        ),
        {"tokens": WORDS, "intent": ["bad", "good", "bad"], "slots": TAGS},
        {
            "tokens": WORDS,
            "intent": ["bad", "good", "odd"],
            "slots": tags_with("B-y"),
        },
        ["intent: odd", "slots: B-y"],
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HEADS)
def test_such_examples_are_named_counted_and_wrong(make_model, name, caplog):
    make, train, other, names = HEADS[name]
    model = make_model(make())
    model.compile(learning_rate=1e-2)
    other = MemoryExamples(other)
    with pytest.raises(InputError, match="example 3"):
        model.fit(other, verbose=0)
    with caplog.at_level(python_logging.WARNING, logger="absl"):
        history = model.fit(
            MemoryExamples(train),
            validation_data=other,
            epochs=2,
            verbose=0,
        ).history
    (line,) = {m for m in caplog.messages if "count as wrong" in m}
    assert line.startswith("1 of 3 examples have labels that")
    for unseen in names:
        assert f"{unseen} (1)" in line
    assert np.all(np.isfinite(history["val_loss"]))
    found = model.evaluate(other, verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(history["val_loss"][-1])
    if name in ("single", "balanced"):
        assert found["accuracy"] <= 2 / 3 + 1e-6
    score = model.score(other)
    if name == "tasks":
        assert score["frame_accuracy"] <= 2 / 3 + 1e-6
    if name == "tags":
        assert score["types"]["y"]["support"] == 1
        assert score["types"]["y"]["f1"] == 0
    assert model.report_tables(other)
    # Nothing in the loss comes from it.
    rest = MemoryExamples(train).part(0, 2)
    if name in ("single", "balanced", "several"):
        alone = model.evaluate(rest, verbose=0, return_dict=True)["loss"]
        assert found["loss"] * 3 == pytest.approx(alone * 2, rel=1e-5)
