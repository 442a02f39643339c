"""Several heads on one encoder: the contract, one run, answers, exports."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo import testing
from keras_bert_zoo.data import Example
from keras_bert_zoo.data import MemoryExamples
from keras_bert_zoo.data.readers.json_lines import RecordFile
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task.model import TaskModel
from keras_bert_zoo.workflows.export import export
from task_heads.classification.head import ClassificationHead
from task_heads.masked_lm.head import MaskedTokenHead
from task_heads.multi_task.features import joint_features
from task_heads.multi_task.head import MultiTaskHead
from task_heads.span_qa.head import SpanQAHead
from task_heads.tagging.head import TaggingHead

TAGS = ["O", "B-x", "I-x"]
ROWS = [
    {"tokens": ["aa", "bb", "cc"], "slots": ["B-x", "I-x", "O"], "kind": "p"},
    {"tokens": ["dd"], "slots": ["O"], "kind": "q"},
    {"text": "dd aa", "spans": [(3, 5, "x")], "kind": "p"},
    {"text": "dd cc dd", "spans": [], "kind": "q"},
]
TEXTS = ["aa bb cc", "dd", "dd aa", "dd cc dd"]


def make_head():
    return MultiTaskHead(
        {
            "kind": ClassificationHead(["p", "q"], dropout=0.0),
            "slots": TaggingHead(TAGS, dropout=0.0),
        }
    )


def make_model(head=None, sequence_length=None, freeze=False, **encoder):
    tokenizer = testing.tiny_tokenizer(["aa bb cc dd"])
    keras.utils.set_random_seed(3)
    return TaskModel(
        testing.tiny_encoder(
            len(tokenizer.vocabulary),
            **{"dropout": 0.0, "attention_dropout": 0.0, **encoder},
        ),
        head or make_head(),
        tokenizer,
        sequence_length=sequence_length,
        freeze_encoder=freeze,
    )


def rows(times=1):
    return Listed(ROWS * times)


class Listed(MemoryExamples):
    """Rows whose fields differ."""

    def __init__(self, values):
        super().__init__({"number": list(range(len(values)))})
        self.values = values

    def __iter__(self):
        for row in super().__iter__():
            yield row._replace(values=self.values[row.values["number"]])


@pytest.fixture(scope="module")
def trained():
    model = make_model()
    model.compile(learning_rate=0.02, weight_decay=0.0)
    model.fit(rows(20), batch_size=8, epochs=12, verbose=0)
    return model


@pytest.mark.slow
def test_the_contract_holds_for_windows():
    testing.check_head(
        make_head(),
        [
            {"tokens": ["a", "bb"], "slots": ["O", "B-x"], "kind": "p"},
            {"tokens": ["on"] * 50, "slots": ["B-x"] * 50, "kind": "q"},
            {"text": "a b c", "spans": [(0, 1, "x")], "kind": "q"},
        ],
    )


@pytest.mark.slow
def test_the_contract_holds_for_whole_pairs():
    head = MultiTaskHead(
        {
            "same": ClassificationHead(["no", "yes"], text_pair=True),
            "score": ClassificationHead(kind="regression", text_pair=True),
        }
    )
    row = {"text": "a b", "text_pair": "b", "same": "no", "score": 0.5}
    testing.check_head(head, [row, {**row, "same": "yes"}])


@pytest.mark.slow
def test_the_contract_holds_for_questions():
    head = MultiTaskHead({"one": SpanQAHead(), "two": SpanQAHead()})
    row = {
        "question": "who",
        "context": "anna is",
        "answers": [{"text": "anna", "start": 0}],
    }
    answers = [{"text": "is", "start": 5}]
    testing.check_head(head, [row, {**row, "two": answers}])


def test_the_encoder_runs_once():
    model = make_model()
    assert [layer.name for layer in model.layers].count("encoder_run") == 1
    assert len(model.get_layer("encoder_run")._inbound_nodes) == 1
    alone = TaskModel(
        model.encoder, make_head().heads["slots"], model.tokenizer
    )
    assert model.count_params() - alone.count_params() == 2 * (8 + 1)


@pytest.mark.slow
def test_it_learns_all_tasks(trained):
    found = trained.predict_text(TEXTS)
    assert [answer["kind"]["label"] for answer in found] == list("pqpq")
    assert [
        [span["text"] for span in answer["slots"]["spans"]] for answer in found
    ] == [["aa bb"], [], ["aa"], []]
    metrics = trained.evaluate(rows(), return_dict=True, verbose=0)
    assert metrics["kind_accuracy"] == metrics["slots_f1"] == 1.0
    score = trained.score(rows())
    assert score["slots"]["micro"]["f1"] == 1.0
    assert score["frame_accuracy"] == 1.0


@pytest.mark.slow
def test_each_head_gives_what_it_would_alone(trained):
    # On the same weights: two models on one encoder, a head each.
    heads = trained.head.heads
    texts = [" ".join(["aa bb cc"] * 20), *TEXTS]
    together = trained.predict_text(texts)
    for task in heads:
        alone = TaskModel(trained.encoder, heads[task], trained.tokenizer)
        alone.get_layer("logits").set_weights(
            trained.get_layer(task).get_layer("logits").get_weights()
        )
        for ours, theirs in zip(together, alone.predict_text(texts)):
            assert json.dumps(_rounded(ours[task])) == json.dumps(
                _rounded(theirs)
            )


def _rounded(value):
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, dict):
        return {key: _rounded(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_rounded(entry) for entry in value]
    return value


def test_only_the_first_window_of_a_text_is_classified():
    model = make_model(sequence_length=8)
    examples = {
        "text": tf.constant(["aa", " ".join(["bb"] * 20)]),
        "kind/label": tf.constant([1, 0]),
        "slots/word_starts": tf.ragged.constant([[], []], tf.int32),
        "slots/tags": tf.ragged.constant([[], []], tf.int32),
        "slots/span_starts": tf.ragged.constant([[], []], tf.int32),
        "slots/span_ends": tf.ragged.constant([[], []], tf.int32),
        "slots/span_types": tf.ragged.constant([[], []], tf.int32),
    }
    found = joint_features(
        model.head._in_order, examples, model.tokenizer, sequence_length=8
    )
    num = found.num_sequences.numpy()
    assert num[0] == 1 and num[1] > 2
    assert found.labels["kind"].numpy().tolist() == [1, *[0] * num[1]]
    weights = found.weights["kind"].numpy()
    np.testing.assert_allclose(
        weights, [(1 + num[1]) / 2] * 2 + [0.0] * (num[1] - 1)
    )
    # A mean over sequences weighs each text alike.
    assert weights.mean() == pytest.approx(1.0)


@pytest.mark.slow
def test_later_windows_of_a_text_count_in_no_metric_of_another_head(trained):
    # One kind in the first window, the other in all that follow.
    rows = {
        "tokens": [["dd"] * 40 + ["aa", "bb", "cc"] * 20, ["aa", "bb", "cc"]],
        "slots": [["O"] * 100, ["B-x", "I-x", "O"]],
        "kind": ["q", "p"],
    }
    kinds = trained.predict_text([" ".join(one) for one in rows["tokens"]])
    assert [answer["kind"]["label"] for answer in kinds] == rows["kind"]
    found = trained.evaluate(MemoryExamples(rows), return_dict=True, verbose=0)
    assert found["kind_macro_f1"] == found["kind_accuracy"] == 1.0


def test_metrics_count_each_text_alike_however_long_those_beside_it():
    model = make_model(sequence_length=8)
    metrics = model.head.weighted_metrics()["kind"]
    logits = tf.constant([[9.0, 0.0]])
    # Batches of their own: a long text, misread, and a short one, read right.
    for text, kind in [(" ".join(["bb"] * 20), 1), ("aa", 0)]:
        found = joint_features(
            model.head._in_order,
            {
                "text": tf.constant([text]),
                "kind/label": tf.constant([kind]),
                **{
                    f"slots/{name}": tf.ragged.constant([[]], tf.int32)
                    for name in (
                        "word_starts",
                        "tags",
                        "span_starts",
                        "span_ends",
                        "span_types",
                    )
                },
            },
            model.tokenizer,
            sequence_length=8,
        )
        weights = found.weights["kind"]
        for metric in metrics:
            metric.update_state(
                found.labels["kind"],
                tf.repeat(logits, len(weights), 0),
                weights,
            )
    values = {metric.name: float(metric.result()) for metric in metrics}
    # F1 of "p", found twice and once right, and of "q", never found.
    assert values == pytest.approx(
        {"accuracy": 0.5, "macro_f1": 1 / 3, "mcc": 0.0}
    )


@pytest.mark.slow
def test_class_weights_leave_the_metrics_as_they_are_alone(trained):
    head = ClassificationHead(["p", "q"], class_weights={"p": 5.0, "q": 1.0})
    model = make_model(
        MultiTaskHead({"kind": head, "slots": TaggingHead(TAGS)})
    )
    model.set_weights(trained.get_weights())
    # The last one is wrong.
    wrong = {"tokens": ["dd"], "slots": ["O"], "kind": "p"}
    rows = Listed([*ROWS[:2], ROWS[3], wrong])
    found = model.evaluate(rows, return_dict=True, verbose=0)
    assert found["kind_accuracy"] == pytest.approx(0.75)
    alone = TaskModel(trained.encoder, head, trained.tokenizer)
    alone.get_layer("logits").set_weights(
        trained.get_layer("kind").get_layer("logits").get_weights()
    )
    expected = alone.evaluate(
        ["aa bb cc", "dd", "dd cc dd", "dd"],
        list("pqqp"),
        return_dict=True,
        verbose=0,
    )
    for name in ("accuracy", "macro_f1", "loss"):
        assert found[f"kind_{name}"] == pytest.approx(expected[name], abs=1e-4)


def test_a_frozen_encoder_is_not_trained():
    model = make_model(freeze=True)
    assert [variable.path for variable in model.trainable_variables] == [
        "kind/logits/kernel",
        "kind/logits/bias",
        "slots/logits/kernel",
        "slots/logits/bias",
    ]


def test_saves_and_loads(trained, tmp_path):
    trained.save_to_preset(tmp_path / "model")
    loaded = TaskModel.from_preset(tmp_path / "model")
    assert loaded.head.get_config() == trained.head.get_config()
    for ours, theirs in zip(
        loaded.get_weights(), trained.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
def test_the_saved_model_answers_all_tasks(trained, tmp_path):
    export(trained, tmp_path / "served", "saved_model")
    served = tf.saved_model.load(str(tmp_path / "served"))
    found = served.signatures["serving_default"](text=tf.constant(TEXTS))
    assert found["kind_label"].numpy().tolist() == [b"p", b"q", b"p", b"q"]
    assert found["slots_span"].numpy()[:, 0].tolist()[0] == b"aa bb"


@pytest.mark.slow
def test_the_tflite_file_has_the_logits_of_all_tasks(trained, tmp_path):
    export(trained, tmp_path / "phone", "tflite", sequence_length=8)
    (path,) = (tmp_path / "phone").glob("*.tflite")
    interpreter = tf.lite.Interpreter(str(path))
    run = interpreter.get_signature_runner()
    assert {"kind", "slots", "kind_label"} - set(run.get_output_details()) == {
        "kind_label"
    }


def test_files_have_each_label_in_its_key(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, ROWS)) + "\n")
    found = MultiTaskHead.read_file(path, {"text": None, "kind": None})
    head = MultiTaskHead.from_examples(
        found, heads="kind=classification, slots=tagging"
    )
    assert head.heads["kind"].labels_by_index == ["p", "q"]
    assert head.heads["slots"].labels_by_index == TAGS
    assert (
        head.get_config()
        == type(head)
        .from_config(json.loads(json.dumps(head.get_config())))
        .get_config()
    )
    with pytest.raises(InputError, match="key of its"):
        MultiTaskHead.read_file(path, {"text": None, "kind": "b"})
    with pytest.raises(InputError, match=r"end with .jsonl \(also .gz\)"):
        RecordFile("a.tsv")


def test_a_named_key_must_be_there(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "a", "kind": "p"}\n')
    found = MultiTaskHead.read_file(path, {"text": "sentence"})
    with pytest.raises(InputError, match="rows.jsonl:1: .* without sentence"):
        list(found)


def test_spans_of_a_text_stand_under_the_tasks_name():
    head = make_head()
    row = {"text": "a red b", "kind": "p", "slots": [[2, 5, "x"]]}
    example = head.example(row, True)
    assert example["slots/span_starts"] == [2]
    row["spans"] = row.pop("slots")
    assert head.example(row, True) == example
    row["slots"] = row.pop("spans")
    found = MultiTaskHead.from_examples(
        [Example(row, "a:1"), Example({**row, "kind": "q"}, "a:2")],
        heads="kind=classification,slots=tagging",
    )
    assert found.heads["slots"].labels_by_index == ["O", "B-x", "I-x"]


@pytest.mark.parametrize("slots", [None, 5, "OO"])
def test_labels_of_another_form_are_refused(slots):
    row = {"tokens": ["a", "b"], "kind": "p", "slots": slots}
    with pytest.raises(InputError, match="a:1: .* for each token. Received"):
        MultiTaskHead.from_examples(
            [Example(row, "a:1")], heads="slots=tagging,kind=classification"
        )


@pytest.mark.parametrize("task", ["val", "val_slots"])
def test_a_task_is_not_named_as_held_out_examples_are(task):
    with pytest.raises(InputError, match=f"validation metrics. .*'{task}'"):
        MultiTaskHead.from_examples(
            [], heads=f"slots=tagging,{task}=classification"
        )


def test_a_task_is_named_once():
    with pytest.raises(InputError, match="named once"):
        MultiTaskHead.from_examples(
            [], heads="a=classification,b=tagging,a=tagging"
        )


def test_a_wrong_example_names_the_task():
    with pytest.raises(InputError, match="slots: .*one tag for each"):
        make_head().example({**ROWS[0], "slots": ["O"]}, True)
    with pytest.raises(InputError, match="kind: "):
        make_head().example({**ROWS[0], "kind": "z"}, True)


@pytest.mark.parametrize(
    "heads, message",
    [
        ({"a": TaggingHead(TAGS)}, "two or more"),
        ({"a": TaggingHead(TAGS), "b": None}, "must be a `TaskHead`"),
        ({"A b": TaggingHead(TAGS), "b": TaggingHead(TAGS)}, "lower-case"),
        ({"text": TaggingHead(TAGS), "b": TaggingHead(TAGS)}, "text's field"),
        ({"a": TaggingHead(TAGS), "b": MaskedTokenHead()}, "as they are"),
        ({"a": TaggingHead(TAGS), "b": SpanQAHead()}, "same texts"),
    ],
)
def test_heads_that_do_not_go_together_are_refused(heads, message):
    with pytest.raises(InputError, match=message):
        MultiTaskHead(heads)


@pytest.mark.parametrize(
    "heads",
    [None, "a", "a=", "a=b=c", {"a": 3}, ["a"], "a=multi_task,b=tagging"],
)
def test_other_forms_of_heads_are_refused(heads):
    with pytest.raises(InputError, match="Received"):
        MultiTaskHead.from_examples([], heads=heads)


class Twice(TaggingHead):
    """Encodes other texts than it is given."""

    def build(self, encoder):
        inputs = encoder.input
        from keras_bert_zoo.task import encode

        other = {**inputs, "token_ids": inputs["token_ids"] + 1}
        return keras.Model(inputs, encode(encoder, other, "sequence_output"))


def test_a_head_with_inputs_of_its_own_is_refused():
    head = MultiTaskHead(
        {"a": Twice(TAGS), "b": ClassificationHead(["p", "q"])}
    )
    with pytest.raises(InputError, match="Train it alone"):
        make_model(head)
