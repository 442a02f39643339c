"""The classification head: contract, labels, values worked by hand."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo import testing
from keras_bert_zoo.checkpoints import HeadWeights
from keras_bert_zoo.data import Example
from keras_bert_zoo.errors import InputError
from task_heads.classification.head import ClassificationHead

ROWS = {
    "single_label": [
        {"text": "the plot works", "label": "good"},
        {"text": "dull", "label": "bad"},
        {"text": "a fine film with a plot", "label": "good"},
    ],
    "multi_label": [
        {"text": "the plot works", "label": ["good", "short"]},
        {"text": "dull", "label": "bad|short"},
        {"text": "a fine film with a plot", "label": []},
    ],
    "regression": [
        {"text": "the plot works", "label": 4.5},
        {"text": "dull", "label": "0.5"},
        {"text": "a fine film with a plot", "label": 3},
    ],
}
LABELS = {
    "single_label": ["bad", "good"],
    "multi_label": ["bad", "good", "short"],
    "regression": None,
}


@pytest.mark.parametrize(
    ("kind", "pooling"),
    [
        ("single_label", "cls"),
        pytest.param("single_label", "max", marks=pytest.mark.slow),
        pytest.param("multi_label", "mean", marks=pytest.mark.slow),
        pytest.param("regression", "cls", marks=pytest.mark.slow),
    ],
)
def test_keeps_the_contract(kind, pooling):
    head = ClassificationHead(LABELS[kind], kind, pooling=pooling, dropout=0.0)
    testing.check_head(head, ROWS[kind])


@pytest.mark.slow
def test_keeps_the_contract_for_pairs():
    head = ClassificationHead(LABELS["single_label"], text_pair=True)
    rows = [
        {**row, "text_pair": "another text"} for row in ROWS["single_label"]
    ]
    testing.check_head(head, rows)


@pytest.mark.slow
def test_keeps_the_contract_with_class_weights():
    head = ClassificationHead(
        ["bad", "good"], class_weights={"bad": 3.0, "good": 1.0}
    )
    testing.check_head(head, ROWS["single_label"])


SOFT_ROWS = [
    {"text": "the plot works", "label": {"good": 0.75, "bad": 0.25}},
    {"text": "dull", "label": [1.0, 0.0]},
    {"text": "a fine film with a plot", "label": "good"},
]


@pytest.mark.slow
def test_keeps_the_contract_with_soft_labels():
    head = ClassificationHead(["bad", "good"], soft_labels=True, dropout=0.0)
    testing.check_head(head, SOFT_ROWS)


def test_soft_labels_are_told_by_their_names():
    rows = SOFT_ROWS[::2]
    examples = [Example(row, f"row {i}") for i, row in enumerate(rows)]
    head = ClassificationHead.from_examples(examples)
    assert head.soft_labels and head.labels_by_index == ["bad", "good"]
    assert ClassificationHead(**head.get_config()).soft_labels


def test_soft_labels_are_learned_as_they_are_and_measured_by_the_highest():
    head = ClassificationHead(
        ["bad", "good"],
        soft_labels=True,
        class_weights={"bad": 3.0, "good": 1.0},
    )
    labels = tf.stack([head.example(row, True)["label"] for row in SOFT_ROWS])
    assert labels.numpy().tolist() == [[0.25, 0.75], [1.0, 0.0], [0.0, 1.0]]
    weights = head.example_weights({"label": labels})
    assert weights.numpy().tolist() == [1.5, 3.0, 1.0]
    logits = tf.math.log([[0.5, 0.5], [0.75, 0.25], [0.75, 0.25]])
    expected = (math.log(2) - math.log(0.75) - math.log(0.25)) / 3
    assert float(head.losses()(labels, logits)) == pytest.approx(expected)
    # The first label of equal ones counts: one of three is right.
    for metric in head.metrics():
        metric.update_state(labels, logits)
        if metric.name == "accuracy":
            assert float(metric.result()) == pytest.approx(1 / 3)
        if metric.name == "macro_f1":
            assert float(metric.result()) == pytest.approx(0.25)
    answer = {"label": "good"}
    assert head.is_right(SOFT_ROWS[0], answer)
    assert not head.is_right(SOFT_ROWS[1], answer)


@pytest.mark.parametrize(
    "label",
    [
        *([0.5, 0.6], {"bad": 0.5}, [1.5, -0.5], {"bad": "x"}, [0.0, 0.0]),
        *({"bad": 1.0, "good": None}, [float("nan"), 1.0]),
    ],
)
def test_soft_labels_must_be_probabilities(label):
    head = ClassificationHead(["bad", "good"], soft_labels=True)
    with pytest.raises(InputError, match="numbers of at least 0, and their"):
        head.example({"text": "a", "label": label}, True)


def test_balanced_weights_go_by_the_sums_of_probabilities():
    labels = [{"pos": 0.9, "neg": 0.1}, {"pos": 0.1, "neg": 0.9}, "neg"]
    head = ClassificationHead.from_examples(
        [Example({"text": "a", "label": one}, "here") for one in labels],
        class_weights="balanced",
    )
    assert head.class_weights == pytest.approx({"pos": 1.5, "neg": 0.75})


def test_an_unseen_label_is_wrong_beside_soft_ones():
    head = ClassificationHead(["bad", "good"], soft_labels=True)
    row, unseen = head.mark_unseen({"text": "a", "label": "odd"})
    assert unseen == ["odd"]
    labels = head.example(row, True)["label"][None]
    assert labels.tolist() == [[0.0, 0.0]]
    for metric in head.metrics():
        metric.update_state(labels, [[1.0, 0.0]])
        assert float(metric.result()) == 0
    assert not head.is_right(row, {"label": "bad"})
    rows = [SOFT_ROWS[0], SOFT_ROWS[1]]
    assert [head.mark_unseen(one)[1] for one in rows] == [[], []]


def test_probabilities_are_refused_where_labels_are_not_soft():
    head = ClassificationHead(["bad", "good"])
    with pytest.raises(InputError, match="soft_labels=True. Received: {'bad"):
        head.example({"text": "a", "label": {"bad": 0.5, "good": 0.5}}, True)


@pytest.mark.parametrize(
    ("labels", "value", "index"),
    [
        (["1.0", "2.0", "3.0"], 1.0, 0),
        (["1.0", "2.0", "3.0"], 3, 2),
        (["true", "false"], True, 0),
        (["FALSE", "TRUE"], np.bool_(True), 1),
        (["no", "yes"], True, 1),
        (["nan", "inf"], 1, 1),
    ],
)
def test_a_number_or_truth_value_is_found_by_name_first(labels, value, index):
    head = ClassificationHead(labels)
    assert head.example({"text": "a", "label": value}, True)["label"] == index


@pytest.mark.parametrize(
    ("labels", "value", "flags"),
    [
        (["0", "1", "2", "3"], [0, 3], [1, 0, 0, 1]),
        (["0", "1"], [0, 1], [1, 1]),
        (["0", "1", "2"], [0, 1, 0], [0, 1, 0]),
        (["a", "b", "c"], [0, 2], [1, 0, 1]),
    ],
)
def test_several_labels_may_be_numbers(labels, value, flags):
    head = ClassificationHead(labels, "multi_label")
    found = head.example({"text": "a", "label": value}, True)["label"]
    assert found.tolist() == flags


def test_soft_labels_need_one_label_each():
    with pytest.raises(InputError, match="soft_labels=True, kind='multi"):
        ClassificationHead(["a", "b"], "multi_label", soft_labels=True)


def test_class_weights_weigh_the_examples():
    head = ClassificationHead(
        ["bad", "good"], class_weights={"bad": 3.0, "good": 1.0}
    )
    weights = head.example_weights({"label": tf.constant([1, 0, 1])})
    assert weights.numpy().tolist() == [1.0, 3.0, 1.0]


def test_balanced_weights_are_inverse_frequencies():
    rows = [Example({"text": "x", "label": name}, name) for name in "aaab"]
    head = ClassificationHead.from_examples(rows, class_weights="balanced")
    assert head.class_weights == pytest.approx({"a": 4 / 6, "b": 2.0})


@pytest.mark.parametrize(
    ("kind", "label"), [("multi_label", ["a", "b"]), ("regression", 0.5)]
)
def test_balanced_weights_need_one_label_each(kind, label):
    rows = [Example({"text": "x", "label": label}, "a:1")]
    with pytest.raises(InputError, match=f"has one label. .*kind='{kind}'"):
        ClassificationHead.from_examples(
            rows, kind=kind, class_weights="balanced"
        )


def layers_of(head, pooling):
    encoder = testing.tiny_encoder(10, pooling=pooling)
    return {layer.name: layer for layer in head.build(encoder).layers}


@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_pooling_is_that_of_the_encoder(pooling):
    layers = layers_of(ClassificationHead(["a", "b"]), pooling)
    assert layers["pooling"].mode == pooling


def test_a_heads_own_pooling_wins():
    head = ClassificationHead(["a", "b"], pooling="cls")
    assert "pooling" not in layers_of(head, "mean")


def test_the_first_token_is_pooled_where_nothing_is_known():
    assert "pooling" not in layers_of(ClassificationHead(["a", "b"]), None)


@pytest.mark.parametrize(
    ("kind", "measures", "guess"),
    [
        ("single_label", {"accuracy": 2 / 3}, "'good' (66.7%)"),
        ("single_label", {"accuracy": 0.7}, None),
        ("multi_label", {"macro_f1": 0.0}, "no label"),
        ("multi_label", {"macro_f1": 0.1}, None),
        ("regression", {"rmse": 1.7}, "the mean score"),
        ("regression", {"rmse": 1.6}, None),
    ],
)
def test_a_guess_that_is_as_good_is_named(kind, measures, guess):
    rows = [Example(row, "a:1") for row in ROWS[kind]]
    found = ClassificationHead(LABELS[kind], kind).guess(rows, measures)
    assert guess is found is None or guess in found


@pytest.mark.parametrize(
    ("mcc", "guess"), [(0.0, "'good' (66.7%)"), (0.1, None)]
)
def test_with_class_weights_accuracy_is_not_all(mcc, guess):
    rows = [Example(row, "a:1") for row in ROWS["single_label"]]
    head = ClassificationHead(
        ["bad", "good"], class_weights={"bad": 2.0, "good": 1.0}
    )
    found = head.guess(rows, {"accuracy": 0.5, "mcc": mcc})
    assert guess is found is None or guess in found


def test_labels_are_found_in_the_examples_and_sorted():
    rows = [Example({"label": name}, name) for name in ["no", "yes", "maybe"]]
    head = ClassificationHead.from_examples(rows)
    assert head.labels_by_index == ["maybe", "no", "yes"]


def test_examples_with_one_label_are_refused():
    rows = [Example({"label": "no"}, f"a.tsv:{line}") for line in (2, 3)]
    with pytest.raises(InputError, match="'no' in every example up to a.tsv:3"):
        ClassificationHead.from_examples(rows)


@pytest.mark.parametrize(
    ("value", "labels", "expected"),
    [
        ("b", ["a", "b"], 1),
        (1, ["a", "b"], 1),
        (1, ["1", "0"], 0),
        ("1", ["0", "1"], 1),
    ],
)
def test_a_label_is_a_name_or_an_index(value, labels, expected):
    head = ClassificationHead(labels)
    example = head.example({"text": "x", "label": value}, with_label=True)
    assert example["label"] == expected


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("single_label", "neutrl", "label 'neutrl' is not one of bad, good"),
        ("single_label", 2, "label '2' is not one of bad, good"),
        ("single_label", None, "must be a name or an index. Received: none"),
        ("single_label", float("nan"), "name or an index. Received: none. Fil"),
        ("single_label", 0.5, "must be a name or an index. Received: 0.5"),
        ("single_label", [0.3, 0.7], "is a 1 among zeros, one for each of"),
        ("single_label", [0, 1, 0], "is a 1 among zeros, one for each of the"),
        ("multi_label", ["bad", "odd"], "label 'odd' is not one of"),
        ("multi_label", [1, 0, 1, 1, 0], "a 0 or 1 for each of the"),
        ("multi_label", [5, 7], "label '5' is not one of bad, good"),
        ("single_label", "a\ud800", "must be valid Unicode"),
        ("regression", 10**400, "finite float32. Received: '1000"),
        ("regression", "1e300", "finite float32. Received: '1e300'"),
        ("multi_label", 3.5, "names joined by '|'. Received: 3.5"),
        ("regression", "many", "finite float32. Received: 'many'"),
        ("regression", "nan", "finite float32. Received: 'nan'"),
    ],
)
def test_a_wrong_label_is_refused(kind, value, message):
    head = ClassificationHead(LABELS[kind], kind)
    with pytest.raises(InputError) as error:
        head.example({"text": "x", "label": value}, with_label=True)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("value", "labels", "expected"),
    [
        (1.0, ["bad", "good"], 1),
        (np.float32(1), ["0", "1"], 1),
        ("1", ["1", "2"], 0),
        (1.0, ["1", "2"], 0),
        (True, ["bad", "good"], 1),
        (np.bool_(True), ["False", "True"], 1),
        (False, ["0", "1"], 0),
        ([1], ["bad", "good"], 1),
        (np.array(["good"]), ["bad", "good"], 1),
        ([0, 1], ["bad", "good"], 1),
        (np.array([1.0, 0.0, 0.0]), ["a", "b", "c"], 0),
    ],
)
def test_labels_have_the_forms_that_people_hold_them_in(
    value, labels, expected
):
    head = ClassificationHead(labels)
    example = head.example({"text": "x", "label": value}, with_label=True)
    assert example["label"] == expected


def test_labels_that_are_numbers_are_found_by_name():
    rows = [
        Example({"text": "x", "label": label}, "a")
        for label in (1.0, np.int64(2), True, 2.0)
    ]
    head = ClassificationHead.from_examples(rows)
    assert head.labels_by_index == ["1", "2", "True"]
    with pytest.raises(InputError, match="Name them in `labels`"):
        ClassificationHead.from_examples(
            [Example({"text": "x", "label": [0, 1]}, "a")]
        )


@pytest.mark.parametrize(
    ("value", "separator"),
    [
        ("a|c", "|"),
        ("a, c", ","),
        ("['a', 'c']", "|"),
        ('["a","c"]', ","),
        (["a", "c"], ","),
        (np.array([1, 0, 1]), "|"),
    ],
)
def test_several_labels_have_several_forms(value, separator):
    head = ClassificationHead(
        ["a", "b", "c"], "multi_label", label_separator=separator
    )
    example = head.example({"text": "x", "label": value}, with_label=True)
    assert example["label"].tolist() == [1.0, 0.0, 1.0]
    assert ClassificationHead.from_config(
        head.get_config()
    ).label_separator == (separator)
    if not isinstance(value, np.ndarray):
        found = ClassificationHead.from_examples(
            [Example({"text": "x", "label": value}, "a")],
            kind="multi_label",
            label_separator=separator,
        )
        assert found.labels_by_index == ["a", "c"]


def test_several_labels_may_be_a_0_or_1_for_each():
    head = ClassificationHead(["a", "b"], "multi_label")
    example = head.example({"text": "x", "label": [1, 0]}, with_label=True)
    assert example["label"].tolist() == [1.0, 0.0]


def test_numbers_are_names_where_labels_are_numbers():
    head = ClassificationHead(["1", "2", "3"])
    example = head.example({"text": "x", "label": 2}, with_label=True)
    assert example["label"] == 1
    with pytest.raises(InputError, match="label '0' is not one of 1, 2, 3"):
        head.example({"text": "x", "label": 0}, with_label=True)


@pytest.mark.parametrize("dropout", [-0.1, 1, float("nan"), "x", None])
def test_a_dropout_that_is_no_fraction_is_refused(dropout):
    with pytest.raises(InputError, match="at least 0 and below 1"):
        ClassificationHead(["a", "b"], dropout=dropout)


@pytest.mark.parametrize(
    ("kind", "label"),
    [
        ("single_label", ""),
        ("single_label", 1.5),
        ("multi_label", 3),
        ("multi_label", {"a": 1}),
        ("multi_label", ["a", ""]),
    ],
)
def test_a_wrong_label_is_reported_with_its_origin(kind, label):
    rows = [Example({"text": "x", "label": label}, "a.tsv:3")]
    with pytest.raises(InputError, match="a.tsv:3: .*Received: .*the example"):
        ClassificationHead.from_examples(rows, kind=kind)


@pytest.mark.parametrize("value", [None, 7, b"bytes"])
def test_a_text_must_be_a_string(value):
    head = ClassificationHead(["a", "b"])
    with pytest.raises(InputError, match="'text' must be a text"):
        head.example({"text": value}, with_label=False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": ["one"]}, "at least 2 different"),
        ({"labels": ["a", "a"]}, "at least 2 different"),
        ({"labels": ["a", ""]}, "non-empty names"),
        ({"labels": "ab"}, "a list of names. Received: 'ab'"),
        ({"labels": None}, "a list of names. Received: None"),
        ({"labels": ["a", "b"], "kind": "regression"}, "has no labels"),
        ({"labels": ["a", "b"], "kind": "ordinal"}, "kind='ordinal'"),
        ({"labels": ["a", "b"], "pooling": "sum"}, "pooling='sum'"),
        (
            {"labels": ["a", "b"], "class_weights": {"a": 1.0}},
            "must name each label once",
        ),
        (
            {"labels": ["a", "b"], "class_weights": {"a": 1.0, "b": 0.0}},
            "must be positive",
        ),
        (
            {"labels": ["a", "b"], "class_weights": {"a": "1", "b": "2"}},
            "must be positive numbers. Received: class_weights='1'",
        ),
        (
            {
                "labels": ["a", "b"],
                "kind": "multi_label",
                "class_weights": {"a": 1.0, "b": 2.0},
            },
            "has one label. Received: kind='multi_label'",
        ),
        (
            {"kind": "regression", "class_weights": {}},
            "has one label. Received: kind='regression'",
        ),
        (
            {"labels": ["a", "b"], "text_pair": "no"},
            "`text_pair` must be True or False. Received: text_pair='no'",
        ),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(InputError) as error:
        ClassificationHead(**options)
    assert message in str(error.value)


def test_decoding_one_label_by_hand():
    head = ClassificationHead(["a", "b"])
    decoded = head.decode(tf.math.log([[1.0, 3.0]]))
    assert decoded["label"].numpy().tolist() == [b"b"]
    np.testing.assert_allclose(decoded["probability"], [0.75], rtol=1e-6)
    np.testing.assert_allclose(decoded["scores"], [[0.25, 0.75]], rtol=1e-6)


def test_decoding_several_labels_by_hand():
    head = ClassificationHead(["a", "b", "c"], "multi_label")
    decoded = head.decode(tf.constant([[0.5, -1.0, 2.0]]))
    assert decoded["labels"].numpy().tolist() == [[b"c", b"a", b""]]
    assert decoded["num_labels"].numpy().tolist() == [2]


def test_answers_name_every_score():
    head = ClassificationHead(["ä", "b"])
    decoded = {
        key: value.numpy()
        for key, value in head.decode(tf.constant([[9.0, 0.0]])).items()
    }
    (answer,) = head.answers(decoded)
    assert answer["label"] == "ä"
    assert set(answer["scores"]) == {"ä", "b"}


def test_head_weights_round_trip():
    head = ClassificationHead(["a", "b"])
    model = head.build(testing.tiny_encoder(9))
    kernel = np.arange(16, dtype="float32").reshape(8, 2)
    weights = HeadWeights(
        "classification",
        ["a", "b"],
        {"kernel": kernel, "bias": np.array([1.0, 2.0], "float32")},
        {},
    )
    twin = ClassificationHead.from_weights(weights)
    assert twin.labels_by_index == ["a", "b"]
    head.set_weights(model, weights)
    np.testing.assert_array_equal(
        head.get_weights(model).weights["kernel"], kernel
    )


def test_mean_pooling_has_no_published_form():
    head = ClassificationHead(["a", "b"], pooling="mean")
    assert head.get_weights(head.build(testing.tiny_encoder(9))) is None


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_logits_are_float32_under_mixed_precision(policy):
    head = ClassificationHead(["a", "b"], pooling="mean")
    model = head.build(testing.tiny_encoder(9, dtype=policy))
    ids = np.ones((2, 3), "int32")
    logits = model(
        {"token_ids": ids, "segment_ids": 0 * ids, "padding_mask": ids}
    )
    assert keras.backend.standardize_dtype(logits.dtype) == "float32"


def test_scores_are_compared_by_rank_over_all_examples():
    rows = [
        Example({"text": "a", "label": label}, f"example {n}")
        for n, label in enumerate(["0.5", 2, 2.0, 5])
    ]
    answers = [{"score": score} for score in (0.1, 0.3, 0.2, 9.0)]
    head = ClassificationHead(kind="regression")
    # Ranks 1, 2.5, 2.5, 4 and 1, 3, 2, 4.
    expected = np.corrcoef([1, 2.5, 2.5, 4], [1, 3, 2, 4])[0, 1]
    found = head.score(rows, iter(answers))
    assert found == {"spearman": pytest.approx(expected)}
    assert ClassificationHead(["a", "b"]).score(rows, iter([])) == {}
