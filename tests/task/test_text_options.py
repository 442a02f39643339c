"""Weights, splits and containers of texts do what Keras's of arrays do."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo.data import MemoryExamples
from keras_bert_zoo.errors import InputError
from task_heads.classification.head import ClassificationHead
from task_heads.multi_task.head import MultiTaskHead
from task_heads.tagging.head import TaggingHead


def trained(make_model, head, *data, **options):
    model = make_model(head)
    options = {"epochs": 1, "batch_size": 4, "verbose": 0, **options}
    history = model.fit(*data, shuffle=False, **options).history
    return history, model.get_weights()


HEADS = {
    "classification": (
        lambda: ClassificationHead(["bad", "good"], dropout=0.0),
        lambda texts, labels: {"text": texts, "label": labels},
    ),
    "tagging": (
        lambda: TaggingHead(["O", "X"], scheme="none", dropout=0.0),
        lambda texts, labels: {
            "tokens": [text.split() for text in texts],
            "tags": [["X"] * len(text.split()) for text in texts],
        },
    ),
    "multi_task": (
        lambda: MultiTaskHead(
            {
                "a": ClassificationHead(["bad", "good"], dropout=0.0),
                "b": ClassificationHead(["bad", "good"], dropout=0.0),
            }
        ),
        lambda texts, labels: {"text": texts, "a": labels, "b": labels},
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["classification", "tagging", "multi_task"])
def test_examples_that_weigh_nothing_teach_nothing(
    make_model, texts, labels, name
):
    make, columns = HEADS[name]
    num = 8
    columns = columns(texts[:num], labels[:num])
    weights = [1.0, 0.0] * (num // 2)
    weighted = MemoryExamples({**columns, "sample_weight": weights})
    _, found = trained(make_model, make(), weighted)
    # Twice as heavy as one in half as many, the optimizer's step is the same.
    kept = MemoryExamples({k: v[::2] for k, v in columns.items()})
    doubled = MemoryExamples({**columns, "sample_weight": [1.0] * num})
    _, all_of_them = trained(make_model, make(), doubled)
    _, plain = trained(make_model, make(), MemoryExamples(columns))
    for one, other in zip(all_of_them, plain, strict=True):
        np.testing.assert_array_equal(one, other)
    assert any(
        not np.array_equal(one, other)
        for one, other in zip(found, plain, strict=True)
    )
    model = make_model(make())
    model.compile(weighted_metrics=[])
    heavy = model.evaluate(weighted, verbose=0, return_dict=True)["loss"]
    half = model.evaluate(kept, verbose=0, return_dict=True)["loss"]
    by_examples = name != "tagging"
    assert heavy == pytest.approx(half / 2 if by_examples else half, rel=1e-5)


@pytest.mark.slow
def test_texts_may_have_weights(make_model, texts, labels):
    weights = [1.0, 3.0] * (len(texts) // 2)
    first = trained(make_model, None, texts, labels, sample_weight=weights)
    rows = MemoryExamples(
        {"text": texts, "label": labels, "sample_weight": weights}
    )
    assert first[0] == trained(make_model, None, rows)[0]
    with pytest.raises(InputError, match="example 2: `sample_weight` must be"):
        make_model().fit(texts[:2], labels[:2], sample_weight=[1.0, -1.0])
    model = make_model()
    model.compile()
    found = [
        model.evaluate(texts, labels, sample_weight=w, verbose=0)[0]
        for w in (None, [2.0] * len(texts))
    ]
    assert found[1] == pytest.approx(2 * found[0], rel=1e-5)


@pytest.mark.slow
def test_texts_are_split_as_keras_splits_arrays(make_model, texts, labels):
    number = len(texts)
    first = int(number * 0.7)
    held_out = (texts[first:], labels[first:])
    expected = trained(
        make_model,
        None,
        texts[:first],
        labels[:first],
        validation_data=held_out,
    )
    found = trained(make_model, None, texts, labels, validation_split=0.3)
    assert found[0] == expected[0]


def test_a_split_leaves_examples_on_both_sides(make_model, texts, labels):
    with pytest.raises(InputError, match="must leave examples on both sides"):
        make_model().fit(texts[:2], labels[:2], validation_split=0.9)


@pytest.mark.slow
def test_class_weight_names_labels(make_model, texts, labels):
    found = [
        trained(make_model, None, texts, labels, class_weight=weights)[0]
        for weights in ({"bad": 1.0, "good": 3.0}, {0: 1.0, 1: 3.0}, None)
    ]
    assert found[0] == found[1] != found[2]


def test_class_weight_of_an_unknown_label_is_refused(make_model, texts, labels):
    with pytest.raises(InputError, match="bad, good. Received: 'goood'"):
        make_model().fit(texts, labels, class_weight={"goood": 1.0})
    for weight in (-2.0, float("nan")):
        with pytest.raises(InputError, match="must be numbers of at least 0"):
            make_model().fit(texts, labels, class_weight={"good": weight})


@pytest.mark.slow
def test_data_sets_of_texts_train_as_lists_do(make_model, texts, labels):
    numbers = [["bad", "good"].index(label) for label in labels]
    expected = trained(make_model, None, texts, labels)
    data = tf.data.Dataset.from_tensor_slices((texts, numbers)).batch(3)
    found = trained(make_model, None, data, validation_data=data)
    assert found[0]["loss"] == expected[0]["loss"]
    assert found[0]["val_loss"]
    model = make_model()
    table = {"body": texts, "label": numbers}
    columns = {"text": "body"}
    model.fit(table, columns=columns, verbose=0)
    answers = model.predict_text(table, columns=columns)
    assert answers == model.predict_text(np.array(texts))
    assert len(answers) == len(texts)
    assert model.evaluate(table, columns=columns, verbose=0) == model.evaluate(
        data, verbose=0
    )


def test_texts_are_scored_with_their_labels(make_model, texts):
    model = make_model(ClassificationHead(kind="regression"))
    numbers = [float(number) for number in range(len(texts))]
    rows = MemoryExamples({"text": texts, "label": numbers})
    assert model.score(texts, numbers) == model.score(rows)


def test_predict_names_what_answers_texts(make_model, texts):
    for given in (texts, np.array(texts), tf.constant(texts)):
        with pytest.raises(InputError, match="Call `predict_text`"):
            make_model().predict(given)
