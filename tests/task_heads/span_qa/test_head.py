"""The span QA head: the contract, long contexts, answers, exports."""

import itertools
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from absl import logging

from keras_bert_zoo import feature_names
from keras_bert_zoo import testing
from keras_bert_zoo.checkpoints import HeadWeights
from keras_bert_zoo.data import Example
from keras_bert_zoo.data import MemoryExamples
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task.epoch_score import EpochScore
from keras_bert_zoo.task.model import TaskModel
from keras_bert_zoo.workflows.export import export
from task_heads.span_qa.features import ALLOWED
from task_heads.span_qa.features import TARGET
from task_heads.span_qa.head import SpanQAHead

WORDS = ["aa", "bb", "cc", "dd", "ee", "ff", "gg", "hh"]
LONG = " ".join(WORDS * 12)
ROWS = [
    {
        "question": "bb cc",
        "context": "aa (dd ee) é",
        "answers": [{"text": "dd ee", "start": 4}],
    },
    {"question": "hh", "context": "aa bb", "answers": []},
    {
        "question": "gg",
        "context": LONG,
        "answers": [{"text": "ff gg", "start": LONG.rindex("ff gg")}],
    },
]


def tokenizer():
    return testing.tiny_tokenizer([f"{LONG} ( ) . é 😀 日"])


def make_model(head=None, sequence_length=None, **encoder):
    keras.utils.set_random_seed(3)
    words = tokenizer()
    return TaskModel(
        testing.tiny_encoder(
            len(words.vocabulary),
            **{"dropout": 0.0, "attention_dropout": 0.0, **encoder},
        ),
        head or SpanQAHead(),
        words,
        sequence_length=sequence_length,
    )


def rows(times=1):
    return MemoryExamples(
        {field: [row[field] for row in ROWS] * times for field in ROWS[0]}
    )


@pytest.fixture(scope="module")
def trained():
    model = make_model(max_sequence_length=64)
    model.compile(learning_rate=0.03, weight_decay=0.0)
    model.fit(rows(16), batch_size=16, epochs=12, verbose=0)
    return model


@pytest.mark.slow
@pytest.mark.parametrize(
    "head",
    [
        SpanQAHead(),
        SpanQAHead(no_answer=False, n_best=2),
        SpanQAHead(doc_stride=3, max_answer_length=2, max_question_length=1),
    ],
    ids=["default", "always", "narrow"],
)
def test_the_contract_holds(head):
    testing.check_head(head, ROWS)


def test_it_learns(trained):
    answers = trained.predict_text(
        [(row["question"], row["context"]) for row in ROWS]
    )
    assert [answer["answer"] for answer in answers] == ["dd ee", "", "ff gg"]
    assert [answer["start"] for answer in answers] == [
        4,
        None,
        LONG.rindex("ff gg"),
    ]
    scores = trained.score(rows())
    assert scores["exact"] == scores["HasAns_f1"] == 100.0
    assert scores["NoAns_total"] == 1


def test_an_answer_stands_in_the_context_as_it_is(trained):
    context = "😀 日 (Dd  ÉE), aa"
    answer = trained.predict_text("bb cc", context)
    for candidate in answer["candidates"]:
        assert (
            context[candidate["start"] : candidate["end"]] == candidate["text"]
        )
    assert sum(c["score"] for c in answer["candidates"]) <= 1


def test_a_context_without_tokens_has_no_answer(trained):
    pairs = [("bb", ""), ("bb", "\u200b"), ("bb", " ")]
    for answer in trained.predict_text(pairs):
        assert answer["answer"] == "" and answer["candidates"] == []
        assert answer["no_answer_probability"] == pytest.approx(1.0)


def features_of(head, length, values):
    batch = {
        name: tf.constant([example[name] for example in values])
        for name in values[0]
    }
    return head.features(batch, tokenizer(), length)


@pytest.mark.parametrize("length", [8, 16, 33])
def test_labels_mark_the_answer_in_each_window_that_holds_it(length):
    head = SpanQAHead(doc_stride=4, max_answer_length=2)
    row = ROWS[2]
    found = features_of(head, length, [head.example(row, True)])
    vocabulary = tokenizer().vocabulary
    answers = 0
    for ids, starts, ends in zip(
        found.inputs[feature_names.TOKEN_IDS].to_list(),
        found.labels["start_logits"].to_list(),
        found.labels["end_logits"].to_list(),
    ):
        assert starts.count(TARGET) == ends.count(TARGET) == 1
        first, last = starts.index(TARGET), ends.index(TARGET)
        text = [vocabulary.tokens[token] for token in ids]
        if first:
            answers += 1
            assert text[first : last + 1] == ["ff", "gg"]
        else:
            assert last == 0
        # [CLS] and the window between the separators.
        edge = text.index("[SEP]")
        allowed = [label >= ALLOWED for label in starts]
        assert allowed == [
            place == 0 or edge < place < len(text) - 1
            for place in range(len(text))
        ]
    assert answers >= 1


def test_a_part_of_a_token_is_answered_with_all_of_it():
    head = SpanQAHead()
    words = testing.tiny_tokenizer(["abcd efgh"])
    example = head.example(
        {
            "question": "abcd",
            "context": "abcd efgh abcd",
            "answers": [{"text": "cd e", "start": 2}],
        },
        True,
    )
    batch = {name: tf.constant([value]) for name, value in example.items()}
    found = head.features(batch, words, 32)
    starts = found.labels["start_logits"].to_list()[0]
    ends = found.labels["end_logits"].to_list()[0]
    assert (starts.index(TARGET), ends.index(TARGET)) == (3, 4)
    assert found.weights.numpy().tolist() == [1.0]


MISPLACED = {
    "question": "aa",
    "context": "aa bb",
    "answers": [{"text": "bb", "start": 2}],
}


def test_a_misplaced_answer_weighs_nothing():
    head = SpanQAHead()
    found = features_of(head, 16, [head.example(MISPLACED, True)])
    assert found.weights.numpy().tolist() == [0.0]


@pytest.fixture
def log(monkeypatch):
    lines = []
    monkeypatch.setattr(
        logging, "warning", lambda form, *values: lines.append(form % values)
    )
    return lines


@pytest.mark.slow
def test_misplaced_answers_are_reported(log):
    model = make_model()
    model.fit(
        MemoryExamples({field: [MISPLACED[field]] * 7 for field in MISPLACED}),
        batch_size=7,
        verbose=0,
    )
    assert log == [
        "7 of 7 examples: no answer is at its given start, so none is learned "
        "(example 1; example 2; example 3; example 4; example 5; and 2 more)"
    ]


def test_the_second_answer_is_learned_where_the_first_is_misplaced():
    answers = [{"text": "bb", "start": 0}, {"text": "bb", "start": 3}]
    row = {"question": "aa", "context": "aa bb", "answers": answers}
    example = SpanQAHead().example(row, True)
    assert (example["answer_start"], example["answer_end"]) == (3, 5)
    remark = SpanQAHead().remark(row)
    assert remark == (
        "some answers are not at their given start, so another is learned"
    )
    assert SpanQAHead().remark({**row, "answers": answers[1:]}) is None
    assert "none is learned" in SpanQAHead().remark(
        {**row, "answers": answers[:1]}
    )


def reference(head, logits, tokens, context_start, windows):
    """Returns all spans of a context and their scores, one by one."""
    found = {}
    for number, (start, end, owned_start, owned_end) in enumerate(windows):
        for first, last in itertools.product(range(start, end), repeat=2):
            if not owned_start <= first < owned_end:
                continue
            if not 0 <= last - first < head.max_answer_length:
                continue
            shift = context_start - start
            assert (first, last) not in found
            found[first, last] = float(
                logits["start_logits"][number][first + shift]
                + logits["end_logits"][number][last + shift]
            )
    return dict(sorted(found.items(), key=lambda item: -item[1]))


@pytest.mark.parametrize("no_answer", [True, False])
@pytest.mark.parametrize(
    "length", [24, pytest.param(10, marks=pytest.mark.slow)]
)
def test_decoding_equals_a_plain_loop(no_answer, length):
    head = SpanQAHead(
        no_answer=no_answer, doc_stride=4, max_answer_length=3, n_best=4
    )
    texts = [
        {"question": row["question"], "context": row["context"]}
        for row in [*ROWS, {"question": "", "context": "aa"}]
    ]
    found = features_of(head, length, texts)
    context = found.decoding_context()
    width = int(
        tf.reduce_max(found.inputs[feature_names.TOKEN_IDS].row_lengths())
    )
    shape = (found.inputs[feature_names.TOKEN_IDS].nrows(), width)
    generator = np.random.default_rng(5)
    logits = {
        name: tf.constant(generator.normal(size=shape), tf.float32)
        for name in ("start_logits", "end_logits")
    }
    decoded = head.decode_texts(logits, context)
    answers = head.answers({k: v.numpy() for k, v in decoded.items()})
    first_window = 0
    for place in range(len(texts)):
        count = int(context[feature_names.NUM_SEQUENCES][place])
        of_row = slice(first_window, first_window + count)
        first_window += count
        part = {name: values[of_row] for name, values in logits.items()}
        windows = zip(
            *(
                context[name][place].numpy().tolist()
                for name in ("starts", "ends", "owned_starts", "owned_ends")
            )
        )
        starts = context["char_start"][place].numpy()
        ends = context["char_end"][place].numpy()
        (context_start,) = set(context["first_positions"][place].numpy())
        spans = reference(head, part, starts, context_start, list(windows))
        null = min(
            float(part["start_logits"][i, 0] + part["end_logits"][i, 0])
            for i in range(count)
        )
        total = np.logaddexp.reduce(
            [*spans.values(), *([null] if no_answer else [])]
        )
        answer = answers[place]
        assert [(c["start"], c["end"]) for c in answer["candidates"]] == [
            (starts[first], ends[last])
            for first, last in list(spans)[: head.n_best]
        ]
        np.testing.assert_allclose(
            [c["score"] for c in answer["candidates"]],
            [np.exp(s - total) for s in list(spans.values())[: head.n_best]],
            rtol=1e-4,
        )
        best = max(spans.values())
        assert answer["null_score_difference"] == pytest.approx(
            null - best, abs=1e-4
        )
        if no_answer:
            assert answer["no_answer_probability"] == pytest.approx(
                np.exp(null - total), rel=1e-4
            )
            assert (answer["answer"] == "") == (null > best)
        else:
            assert answer["no_answer_probability"] == 0
            assert answer["answer"] == answer["candidates"][0]["text"]


@pytest.mark.slow
def test_the_threshold_decides_and_is_tuned_and_kept(trained, tmp_path):
    pair = (ROWS[0]["question"], ROWS[0]["context"])
    config = trained.head.get_config()
    model = make_model(
        SpanQAHead(**{**config, "null_threshold": -100.5}),
        max_sequence_length=64,
    )
    model.set_weights(trained.get_weights())
    assert model.predict_text(*pair)["answer"] == ""
    assert model.score(rows())["HasAns_f1"] == 0
    tuned = model.tune(rows())
    assert tuned == {"null_threshold": model.head.null_threshold}
    assert model.predict_text(*pair)["answer"] == "dd ee"
    assert model.score(rows())["f1"] == 100.0
    model.save_to_preset(tmp_path / "model")
    further = TaskModel.from_preset(tmp_path / "model", head="span_qa")
    assert further.head.null_threshold == 0
    np.testing.assert_array_equal(
        further.get_layer("logits").kernel, trained.get_layer("logits").kernel
    )
    again = TaskModel.from_preset(tmp_path / "model")
    assert again.head.get_config() == model.head.get_config()
    for ours, theirs in zip(
        again.get_weights(), model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_tuning_may_choose_to_answer_nothing():
    answer = {
        "answer": "dd",
        "candidates": [{"text": "dd"}],
        "null_score_difference": -5.0,
    }
    values = [{"answers": []}] * 9
    values.append({"answers": [{"text": "bb", "start": 0}]})
    as_rows = [Example(value, f"example {n}") for n, value in enumerate(values)]
    head = SpanQAHead()
    head.tune(as_rows, [answer] * 10)
    # Below every difference, so that none is answered.
    assert head.null_threshold < -100
    answers = [{**answer, "answer": ""}] * 10
    assert head.score(as_rows, answers)["f1"] == 90.0


def test_an_answer_longer_than_every_window_weighs_nothing():
    answers = [
        {"text": LONG[:60], "start": 0},
        {"text": "ee", "start": LONG.index("ee")},
    ]
    head = SpanQAHead(doc_stride=4)
    examples = [
        head.example(
            {"question": "bb", "context": LONG, "answers": [answer]}, True
        )
        for answer in answers
    ]
    features = head.features(
        {key: tf.constant([e[key] for e in examples]) for key in examples[0]},
        tokenizer(),
        16,
    )
    assert features.num_truncated.numpy().tolist() == [1, 0]
    weights = tf.RaggedTensor.from_row_lengths(
        features.weights, features.num_sequences
    )
    assert not any(weights[0].numpy()) and all(weights[1].numpy())


def test_an_epoch_is_scored_by_whole_answers(trained):
    answerable = MemoryExamples({field: [ROWS[0][field]] for field in ROWS[0]})
    # The best F1 of all thresholds, and the F1 where there is none to choose.
    for given, score in ((rows(), "best_f1"), (answerable, "f1")):
        logs = {}
        scorer = EpochScore(given)
        scorer.set_model(trained)
        scorer.on_epoch_end(0, logs)
        assert logs == {"val_f1": trained.score(given)[score]}
        assert EpochScore.monitor(trained.head) == "val_f1"


def test_the_head_finds_out_whether_answers_may_miss():
    as_rows = [Example(row, f"example {n}") for n, row in enumerate(ROWS)]
    assert SpanQAHead.from_examples(as_rows).no_answer
    head = SpanQAHead.from_examples(as_rows[:1])
    assert not head.no_answer
    assert head.tune([], []) == {}


def test_a_long_question_is_cut_and_counted():
    head = SpanQAHead(max_question_length=4)
    texts = [{"question": LONG, "context": "aa bb"}]
    found = features_of(head, 32, texts)
    assert found.num_truncated.numpy().tolist() == [len(WORDS) * 12 - 4]
    assert found.inputs[
        feature_names.TOKEN_IDS
    ].row_lengths().numpy().tolist() == [9]


@pytest.fixture(scope="module")
def answers_always():
    return make_model(SpanQAHead(no_answer=False, max_question_length=4))


@pytest.mark.slow
def test_a_question_that_is_cut_is_reported(answers_always, log):
    _, answer = answers_always.predict_text([("aa", "bb"), (LONG, "aa bb")])
    assert answer["candidates"]
    assert log == [
        "Truncated: 1 of 2 examples: questions longer than 4 tokens or half of "
        "32, or with an answer longer than a window of the text."
    ]


def test_long_questions_and_answers_are_named():
    head = SpanQAHead(max_question_length=3, max_answer_length=2)
    values = [
        ("aa bb cc", "bb cc dd", ["bb cc"]),
        ("aa bb cc dd", "bb cc dd", []),
        ("aa", "bb cc dd", ["bb cc dd"]),
    ]
    found = [
        Example(
            {
                "question": question,
                "context": context,
                "answers": [{"text": text, "start": 0} for text in answers],
            },
            f"f:{number}",
        )
        for number, (question, context, answers) in enumerate(values, 1)
    ]
    assert head.example_warnings(found * 6, tokenizer()) == [
        "6 questions have more than 3 tokens (max_question_length) and lose "
        "their ends: f:2; f:2; f:2; f:2; f:2; and 1 more.",
        "6 answers have more than 2 tokens (max_answer_length), and no answer "
        "will be as long: f:3; f:3; f:3; f:3; f:3; and 1 more.",
    ]
    assert head.example_warnings(found[:1], tokenizer()) == []
    assert head.example_warnings([], tokenizer()) == []


def test_answers_stand_as_in_the_context_marks_included():
    context = "aa e\u0301, bb"
    features = features_of(
        SpanQAHead(), 32, [{"question": "aa", "context": context}]
    )
    ends = features.context["char_end"].to_list()
    assert ends == [[2, 5, 6, 9]]
    assert features.context["byte_end"].to_list() == [[2, 6, 7, 10]]


def test_only_a_context_without_words_has_no_answer_for_a_head_that_answers(
    answers_always,
):
    with_words, *others = answers_always.predict_text(
        [("aa", "bb cc"), ("aa", ""), ("aa", "\u200b"), ("aa", " ")]
    )
    assert str(with_words["no_answer_probability"]) == "0.0"
    assert with_words["answer"] and 0 < with_words["score"] <= 1
    for without in others:
        assert (without["answer"], without["start"]) == ("", None)
        assert without["no_answer_probability"] == without["score"] == 1.0


def test_a_head_that_always_answers_is_scored_so():
    given = [
        {
            "answer": text,
            "candidates": [{"text": text}],
            "null_score_difference": 2.0,
        }
        for text in ("aa", "bb")
    ]
    values = [{"answers": [{"text": "aa", "start": 0}]}, {"answers": []}]
    as_rows = [Example(value, f"example {n}") for n, value in enumerate(values)]
    scores = SpanQAHead(no_answer=False).score(as_rows, given)
    assert (scores["HasAns_f1"], scores["NoAns_f1"]) == (100.0, 0.0)
    assert "best_f1" not in scores
    scores = SpanQAHead().score(as_rows, given)
    assert (scores["HasAns_f1"], scores["NoAns_f1"]) == (0.0, 100.0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"question": 3, "context": "a"}, "'question' must be a text.*3 of"),
        ({"question": "a"}, "'context' must be a text.*NoneType"),
        (
            {"question": "a", "context": "b"},
            "must have `answers`, a list. Received: none",
        ),
        (
            {"question": "a", "context": "b", "answers": "b"},
            "'text': 'b', 'start': None}. Give both",
        ),
        (
            {"question": "a", "context": "b", "answers": [{"text": "b"}]},
            "a `text` and its `start`",
        ),
        (
            {
                "question": "a",
                "context": "b",
                "answers": [{"text": " ", "start": 0}],
            },
            "must have more than spaces",
        ),
    ],
)
def test_a_wrong_example_is_refused(values, message):
    with pytest.raises(InputError, match=message):
        SpanQAHead().example(values, True)


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"n_best": 0}, "`n_best` must be a whole number, at least 1"),
        ({"n_best": 3_000_000_000}, "at most 1,000"),
        ({"max_answer_length": 10**30}, "at most 10,000"),
        ({"doc_stride": 10**30}, "at least 1. Received: doc_stride=1000"),
        ({"doc_stride": 1.0}, "whole number"),
        ({"doc_stride": True}, "whole number"),
        ({"null_threshold": "a"}, "a finite number. Received: null_thresh"),
        ({"null_threshold": float("nan")}, "a finite number"),
        ({"null_threshold": 10**400}, "a finite number"),
        ({"null_threshold": True}, "a finite number"),
        ({"no_answer": "false"}, "True or False. Received: no_answer='false'"),
        ({"no_answer": None}, "True or False"),
    ],
    ids=str,
)
def test_wrong_options_are_refused(options, rule):
    with pytest.raises(InputError, match=rule):
        SpanQAHead(**options)


def test_numbers_of_numpy_become_plain():
    head = SpanQAHead(
        no_answer=np.bool_(False),
        null_threshold=np.float32(0.5),
        n_best=np.int64(3),
    )
    assert json.loads(json.dumps(head.get_config())) == {
        **SpanQAHead().get_config(),
        "no_answer": False,
        "null_threshold": 0.5,
        "n_best": 3,
    }


def test_a_sequence_must_hold_both_texts():
    with pytest.raises(InputError, match="at least 5 tokens"):
        make_model(sequence_length=4).predict_text("aa", "bb")


def test_columns_are_refused():
    with pytest.raises(InputError, match="fixed keys.*a column for context"):
        SpanQAHead.read_file("a.json", {"question": None, "context": "b"})


@pytest.mark.slow
def test_the_saved_model_answers_alike(trained, tmp_path):
    export(trained, tmp_path / "served", "saved_model")
    loaded = tf.saved_model.load(str(tmp_path / "served"))
    pairs = [(row["question"], row["context"]) for row in ROWS]
    pairs.append(("bb", ""))
    questions, contexts = zip(*pairs)
    served = loaded.signatures["serving_default"](
        question=tf.constant(questions), context=tf.constant(contexts)
    )
    expected = trained.predict_text(pairs)
    assert [a.decode() for a in served["answer"].numpy()] == [
        answer["answer"] for answer in expected
    ]
    np.testing.assert_allclose(
        served["score"].numpy(), [a["score"] for a in expected], atol=1e-5
    )


@pytest.mark.slow
def test_the_tflite_file_gives_logits(trained, tmp_path):
    manifest = export(
        trained, tmp_path / "lite", "tflite", sequence_length=64
    ).manifest
    outputs = manifest["signatures"]["tokens_64"]["outputs"]
    assert [output["name"] for output in outputs] == [
        "start_logits",
        "end_logits",
    ]


@pytest.mark.slow
def test_the_tflite_file_reads_384_tokens(tmp_path):
    model = make_model(sequence_length=384, max_sequence_length=384)
    export(model, tmp_path / "lite", "tflite")
    run = tf.lite.Interpreter(
        str(tmp_path / "lite/model.tflite")
    ).get_signature_runner("tokens_384")
    context = " ".join(WORDS * 47)
    features = features_of(
        model.head, 384, [{"question": "aa bb", "context": context}]
    )
    ids = features.inputs[feature_names.TOKEN_IDS].to_tensor()
    assert ids.shape == (1, 381)
    inputs = {
        feature_names.TOKEN_IDS: ids,
        "segment_ids": features.inputs["segment_ids"].to_tensor(),
        feature_names.PADDING_MASK: tf.ones_like(ids),
    }
    inputs = {
        name: tf.pad(values, [[0, 0], [0, 3]])
        for name, values in inputs.items()
    }
    found = run(**inputs)
    expected = model(inputs)
    for name in ("start_logits", "end_logits"):
        np.testing.assert_allclose(
            found[name][:, :381], expected[name][:, :381], atol=1e-5
        )


def test_weights_travel(trained):
    weights = trained.head.get_weights(trained)
    assert isinstance(weights, HeadWeights) and weights.kind == "span_qa"
    model = make_model(max_sequence_length=64)
    head = SpanQAHead.from_weights(weights)
    head.set_weights(model, weights)
    np.testing.assert_array_equal(
        model.get_layer("logits").kernel, weights.weights["kernel"]
    )
