"""A new head begins at what the labels' frequencies say."""

import keras
import numpy as np
import pytest

from keras_bert_zoo import testing
from keras_bert_zoo.data import MemoryExamples
from keras_bert_zoo.task import log_frequencies
from keras_bert_zoo.task import log_odds
from keras_bert_zoo.task.model import TaskModel
from task_heads.classification.head import ClassificationHead
from task_heads.classification.layers import ScoreScale
from task_heads.masked_lm.head import MaskedTokenHead
from task_heads.multi_task.head import MultiTaskHead
from task_heads.tagging.head import TaggingHead

TAGS = ["O", "B-city", "I-city"]
WORDS = ["no"] * 17 + ["New", "York", "Oslo"]
NUM_ROWS = 20


def entropy(*counts):
    """Returns that of the frequencies in which each counts once more."""
    counts = np.array(counts, float)
    chosen = (counts + 1) / (counts + 1).sum()
    return -np.sum(counts / counts.sum() * np.log(chosen))


def tagged(extra=()):
    tags = ["O"] * 17 + ["B-city", "I-city", "B-city"]
    return [{"tokens": WORDS, "tags": tags, **dict(extra)}] * NUM_ROWS


def labelled(*labels):
    return [{"text": "no", "label": label} for label in labels]


SKEWED = labelled(*["good"] * 16, *["bad"] * 4)
SCORES = [3.0, 4.0, 4.0, 5.0] * 5
CASES = {
    "single label": (
        lambda: ClassificationHead(["bad", "good"]),
        SKEWED,
        entropy(4, 16),
    ),
    "several labels": (
        lambda: ClassificationHead(["bad", "good"], kind="multi_label"),
        labelled(*[["good"]] * 16, *[["good", "bad"]] * 4),
        (entropy(20, 0) + entropy(4, 16)) / 2,
    ),
    "score": (
        lambda: ClassificationHead(kind="regression"),
        labelled(*SCORES),
        np.var(SCORES),
    ),
    "tags": (lambda: TaggingHead(TAGS), tagged(), entropy(340, 40, 20)),
    "spans": (
        lambda: TaggingHead(TAGS),
        [
            {"text": "no " * 17 + "York", "spans": [(51, 55, "city")]},
        ]
        * NUM_ROWS,
        entropy(340, 20, 0),
    ),
    "chain of tags": (
        lambda: TaggingHead(TAGS, crf=True),
        tagged(),
        entropy(340, 40, 20),
    ),
    "several tasks": (
        lambda: MultiTaskHead(
            {
                "mood": ClassificationHead(["bad", "good"]),
                "slots": TaggingHead(TAGS),
            }
        ),
        [
            {**row, "mood": mood["label"], "slots": row["tags"]}
            for row, mood in zip(tagged(), SKEWED)
        ],
        entropy(4, 16) + entropy(340, 40, 20),
    ),
}


def make_model(head, **encoder):
    tokenizer = testing.tiny_tokenizer([" ".join(WORDS)])
    encoder = testing.tiny_encoder(len(tokenizer.vocabulary), **encoder)
    return TaskModel(encoder, head, tokenizer)


def as_rows(rows):
    return MemoryExamples({key: [row[key] for row in rows] for key in rows[0]})


# The others begin likewise: a pipeline each, to see it.
FAST = ("score",)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in FAST else pytest.mark.slow)
        for name in CASES
    ],
)
def test_the_first_loss_is_that_of_the_frequencies(name):
    make_head, rows, expected = CASES[name]
    model = make_model(make_head())
    model.head.adapt(model, as_rows(rows), model.tokenizer)
    loss = model.evaluate(as_rows(rows), verbose=0)
    loss = loss[0] if isinstance(loss, list) else loss
    assert loss == pytest.approx(expected, abs=0.1)


def bias_of(layer):
    return keras.ops.convert_to_numpy(layer.bias)


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("tags", [340, 40, 20]),
        ("spans", [340, 20, 0]),
        ("chain of tags", [340, 40, 20]),
    ],
)
def test_words_begin_at_the_frequencies_of_their_tags(name, counts):
    make_head, rows, _ = CASES[name]
    model = make_model(make_head())
    model.head.adapt(model, as_rows(rows), model.tokenizer)
    np.testing.assert_allclose(
        bias_of(model.get_layer("logits")), log_frequencies(counts), rtol=1e-6
    )


def test_each_task_begins_at_its_own():
    make_head, rows, _ = CASES["several tasks"]
    model = make_model(make_head())
    model.head.adapt(model, as_rows(rows), model.tokenizer)
    for task, counts in (("mood", [4, 16]), ("slots", [340, 40, 20])):
        np.testing.assert_allclose(
            bias_of(model.get_layer(task).get_layer("logits")),
            log_frequencies(counts),
            rtol=1e-6,
        )


def test_several_labels_begin_at_their_odds():
    make_head, rows, _ = CASES["several labels"]
    model = make_model(make_head())
    model.head.adapt(model, as_rows(rows), model.tokenizer)
    np.testing.assert_allclose(
        bias_of(model.get_layer("logits")), log_odds([4, 20], 20), rtol=1e-6
    )


def test_masked_tokens_are_guessed_by_frequency():
    model = make_model(MaskedTokenHead())
    rows = [{"text": " ".join(WORDS)}] * NUM_ROWS
    model.head.adapt(model, as_rows(rows), model.tokenizer)
    (bias,) = [
        variable
        for variable in model.weights
        if variable.path.endswith("masked_lm_head/output_bias")
    ]
    (word,) = model.tokenizer.tokenize(["no"]).to_list()[0]
    assert int(keras.ops.argmax(bias)) == word


def test_class_weights_count():
    weights = {"bad": 4.0, "good": 1.0}
    head = ClassificationHead(["bad", "good"], class_weights=weights)
    model = make_model(head)
    head.adapt(model, as_rows(SKEWED), model.tokenizer)
    bias = bias_of(model.get_layer("logits"))
    assert bias[0] == pytest.approx(bias[1])


@pytest.mark.parametrize("name", ["single label", "score", "tags"])
def test_a_head_with_weights_stays_as_it_is(name):
    make_head, rows, _ = CASES[name]
    model = make_model(make_head())
    layer = model.get_layer("logits")
    layer.bias.assign(layer.bias + 0.25)
    before = [value.copy() for value in model.get_weights()]
    model.head.adapt(model, as_rows(rows), model.tokenizer)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_fit_begins_there():
    make_head, rows, expected = CASES["single label"]
    model = make_model(make_head())
    model.compile("sgd")
    model.optimizer.learning_rate = 0.0
    (loss,) = model.fit(as_rows(rows), verbose=0).history["loss"]
    assert loss == pytest.approx(expected, abs=0.1)
    np.testing.assert_allclose(
        model.get_layer("logits").bias, log_frequencies([4, 16]), rtol=1e-6
    )


def test_frequencies_by_hand():
    np.testing.assert_allclose(
        np.exp(log_frequencies([0, 1, 5])), [1 / 9, 2 / 9, 6 / 9], rtol=1e-6
    )
    np.testing.assert_allclose(
        1 / (1 + np.exp(-log_odds([0, 3], 3))), [1 / 5, 4 / 5], rtol=1e-6
    )


@pytest.mark.slow
def test_scores_of_any_unit_are_learned_alike():
    learned = []
    for unit in (1.0, 1000.0):
        keras.utils.set_random_seed(0)
        model = make_model(ClassificationHead(kind="regression", dropout=0.0))
        rows = labelled(*(unit * (score - 4) + 7 * unit for score in SCORES))
        model.fit(as_rows(rows), epochs=3, shuffle=False, verbose=0)
        answers = model.predict_text(["no", "York"])
        learned.append([answer["score"] / unit for answer in answers])
    assert learned[0] == pytest.approx(learned[1], rel=1e-3)


@pytest.mark.slow
def test_scores_keep_their_unit_when_saved(tmp_path):
    model = make_model(ClassificationHead(kind="regression"))
    model.head.adapt(model, as_rows(labelled(*SCORES)), model.tokenizer)
    model.save_to_preset(tmp_path / "scores")
    twin = TaskModel.from_preset(tmp_path / "scores")
    assert twin.predict_text(["no"]) == model.predict_text(["no"])
    assert twin.predict_text("no")["score"] == pytest.approx(4.0, abs=0.5)


@pytest.mark.slow
def test_published_weights_give_scores_in_their_unit():
    model = make_model(ClassificationHead(kind="regression", pooling="cls"))
    rows = labelled(*SCORES)
    model.head.adapt(model, as_rows(rows), model.tokenizer)
    weights = model.head.get_weights(model)
    twin = TaskModel(
        model.encoder,
        ClassificationHead.from_weights(weights),
        model.tokenizer,
    )
    twin.head.set_weights(twin, weights)
    ours, theirs = (m.predict_text("York")["score"] for m in (model, twin))
    assert theirs == pytest.approx(ours, rel=1e-6)


def test_equal_scores_are_the_answer():
    layer = ScoreScale()
    layer.build((None, 1))
    layer.adapt(np.array([2.5, 2.5]))
    assert layer(np.array([[0.0]])).numpy().tolist() == [[2.5]]


def test_a_scale_keeps_its_shape_and_config():
    layer = ScoreScale(name="scale")
    twin = ScoreScale.from_config(layer.get_config())
    assert twin(np.zeros((3, 1), "float32")).shape == (3, 1)
    assert not twin.trainable_weights
    assert twin.is_new()


@pytest.mark.slow
def test_the_unit_of_scores_changes_nothing_in_what_is_learned():
    """Not even with SGD, whose steps are as large as the gradients."""
    found = []
    for unit, least in ((1.0, 0.0), (1000.0, 70.0)):
        keras.utils.set_random_seed(1)
        head = ClassificationHead(kind="regression", pooling="mean")
        model = make_model(head, dropout=0.0, attention_dropout=0.0)
        model.compile(keras.optimizers.SGD(0.05))
        texts = ["no", "New York", "no no", "Oslo"] * 5
        scores = [unit * score + least for score in SCORES]
        model.fit(texts, scores, epochs=3, batch_size=4, verbose=0)
        answers = [one["score"] for one in model.predict_text(texts[:4])]
        found.append((np.array(answers) - least) / unit)
    assert np.ptp(found[0]) > 0.1
    np.testing.assert_allclose(*found, rtol=1e-4)
