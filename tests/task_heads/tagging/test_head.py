"""The tagging head: the contract, labels, long texts, answers, exports."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo import testing
from keras_bert_zoo.checkpoints import HeadWeights
from keras_bert_zoo.data import Example
from keras_bert_zoo.data import MemoryExamples
from keras_bert_zoo.data import check_examples
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task.model import TaskModel
from keras_bert_zoo.workflows.export import export
from task_heads.tagging.files import TaggedFile
from task_heads.tagging.head import TaggingHead
from task_heads.tagging.labels import LabelSet
from task_heads.tagging.schemes import entities
from task_heads.tagging.scores import score_examples

LABELS = ["O", "B-x", "I-x", "B-y", "I-y"]
TOKENS = [["aa", "bb", "cc."], ["dd"], ["aa", "(dd)", "cc", "bb", "\ufe0f"]]
TAGS = [["B-x", "I-x", "O"], ["B-y"], ["B-x", "B-y", "O", "O", "O"]]


def make_model(head=None, sequence_length=None, **encoder):
    tokenizer = testing.tiny_tokenizer(["aa bb cc . dd ( ) é"])
    keras.utils.set_random_seed(3)
    return TaskModel(
        testing.tiny_encoder(
            len(tokenizer.vocabulary),
            **{"dropout": 0.0, "attention_dropout": 0.0, **encoder},
        ),
        head or TaggingHead(LABELS, dropout=0.0),
        tokenizer,
        sequence_length=sequence_length,
    )


def train(head):
    model = make_model(head)
    model.compile(learning_rate=0.05, weight_decay=0.0)
    model.fit(rows(20), batch_size=8, epochs=8, verbose=0)
    return model


@pytest.fixture(scope="module")
def softmax():
    return train(TaggingHead(LABELS, dropout=0.0))


@pytest.fixture(scope="module")
def crf():
    return train(TaggingHead(LABELS, dropout=0.0, crf=True))


# `test_crf.py` trains, saves and loads one too.
@pytest.fixture(params=["softmax", pytest.param("crf", marks=pytest.mark.slow)])
def trained(request):
    return request.getfixturevalue(request.param)


def rows(times=1):
    return MemoryExamples({"tokens": TOKENS * times, "tags": TAGS * times})


@pytest.mark.slow
@pytest.mark.parametrize(
    "head",
    [
        TaggingHead(LABELS),
        TaggingHead(["DET", "NOUN", "O"], scheme="none"),
        TaggingHead(LABELS, scheme="IOBES", strict=True),
        TaggingHead(LABELS, crf=True),
        TaggingHead(["DET", "NOUN", "O"], scheme="none", crf=True),
    ],
    ids=["IOB2", "none", "IOBES", "IOB2-crf", "none-crf"],
)
def test_the_contract_holds(head):
    tags = [["DET", "NOUN"], ["O"] * 50]
    spans = [(0, 2, "NOUN"), (3, 4, "DET")]
    if head.scheme != "none":
        tags = [["O", "S-x" if head.scheme == "IOBES" else "B-x"], ["O"] * 50]
        spans = [(0, 2, "x"), (3, 4, "y")]
    testing.check_head(
        head,
        [
            {"tokens": ["the", "end."], "tags": tags[0]},
            {"tokens": ["on"] * 50, "tags": tags[1]},
            {"text": "on. e", "spans": spans},
        ],
    )


def test_labels_stand_on_first_tokens_alone():
    model = make_model()
    head = model.head
    example = head.example({"tokens": TOKENS[2], "tags": TAGS[2]}, True)
    batch = {
        name: tf.ragged.constant([value], tf.int32)
        if isinstance(value, list)
        else tf.constant([value])
        for name, value in example.items()
    }
    found = head.features(batch, model.tokenizer, 32)
    # [CLS] aa ( dd ) cc bb [SEP]; the last word has no token.
    assert found.labels.to_list() == [[0, 1, 3, 0, 0, 0, 0, 0]]
    assert found.weights.to_list() == [[0, 1, 1, 0, 0, 1, 1, 0]]


def test_spans_give_the_tags_of_their_words():
    model = make_model()
    text = "aa bb. cc (dd)"
    spans = [(0, 5, "x"), (10, 13, "y")]
    example = model.head.example({"text": text, "spans": spans}, True)
    batch = {
        name: tf.ragged.constant([value], tf.int32)
        if isinstance(value, list)
        else tf.constant([value])
        for name, value in example.items()
    }
    found = model.head.features(batch, model.tokenizer, 32)
    # [CLS] aa bb . cc ( dd ) [SEP]
    labels = np.array(found.labels.to_list()[0])
    weights = np.array(found.weights.to_list()[0])
    assert labels[weights > 0].tolist() == [1, 2, 0, 0, 3, 4, 0]


def test_learns_and_answers(trained):
    found = trained.predict_text([{"tokens": t} for t in TOKENS])
    assert [answer["tags"] for answer in found] == TAGS
    assert [answer["words"][:2] for answer in found[:2]] == [
        ["aa", "bb"],
        ["dd"],
    ]
    # A word of which the tokenizer leaves nothing.
    assert found[2]["words"] == TOKENS[2]
    score = trained.score(rows())
    assert score["micro"]["f1"] == score["token_accuracy"] == 1.0


def test_a_model_that_finds_no_span_is_no_better_than_that(trained):
    assert trained.head.guess(rows(), {"accuracy": 0.9, "f1": 0.0}) == "no span"
    assert trained.head.guess(rows(), {"accuracy": 0.9, "f1": 0.1}) is None


@pytest.mark.slow
def test_metrics_equal_the_scores_of_texts(trained):
    score = trained.score(rows())
    metrics = trained.evaluate(rows(), return_dict=True, verbose=0)
    assert metrics["f1"] == pytest.approx(score["micro"]["f1"])


# `test_metrics.py` compares the same numbers without a model.
@pytest.mark.slow
@pytest.mark.parametrize("crf", [False, True])
def test_untrained_metrics_equal_the_scores_of_texts(crf):
    model = make_model(TaggingHead(LABELS, crf=crf), initializer_range=2.0)
    data = MemoryExamples({"tokens": TOKENS[:2] * 9, "tags": TAGS[:2] * 9})
    metrics = model.evaluate(data, return_dict=True, verbose=0)
    score = model.score(data)
    assert metrics["f1"] == pytest.approx(score["micro"]["f1"])
    assert metrics["accuracy"] == pytest.approx(score["token_accuracy"])


def test_offsets_count_in_the_users_own_text(trained):
    text = "é (aa bb) – dd"
    answer = trained.predict_text(text)
    assert answer["spans"]
    for span in answer["spans"]:
        assert text[span["start"] : span["end"]] == span["text"]
        assert 0 < span["score"] <= 1


def test_every_word_of_a_long_text_is_tagged_as_its_window_sees_it():
    model = make_model(sequence_length=8)
    tokens = ["aa", "bb", "cc", "dd"] * 25
    answer = model.predict_text([{"tokens": tokens}])[0]
    assert answer["words"] == tokens
    assert len(answer["tags"]) == 100
    # The first word stands in the first window: six tokens and two special.
    alone = model.predict_text([{"tokens": tokens[:6]}])[0]
    assert alone["tags"][:4] == answer["tags"][:4]


@pytest.mark.slow
def test_batches_of_any_size_answer_alike(trained):
    texts = ["aa bb. dd " * n for n in range(40)]
    one = trained.predict_text(texts, batch_size=1)
    many = trained.predict_text(texts, batch_size=32)
    assert [a["tags"] for a in one] == [a["tags"] for a in many]
    assert [a["words"] for a in one] == [a["words"] for a in many]


def test_spans_are_those_of_the_tags(trained):
    answer = trained.predict_text("dd aa aa bb bb dd dd")
    found = entities(answer["tags"])
    assert [span["label"] for span in answer["spans"]] == [
        span.type for span in found
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
def test_the_saved_model_answers_like_the_live_one(trained, tmp_path):
    export(trained, tmp_path / "1")
    served = tf.saved_model.load(tmp_path / "1").signatures["serving_default"]
    texts = ["é (aa bb) – dd", "", "aa " * 200]
    found = served(text=tf.constant(texts))
    live = trained.predict_text(texts)
    assert served(text=tf.constant([], tf.string))["tag"].shape == (0, 0)
    assert [
        [span.decode() for span in row[:count]]
        for row, count in zip(found["span"].numpy(), found["num_spans"])
    ] == [[span["text"] for span in answer["spans"]] for answer in live]
    assert found["byte_start"].shape == found["span"].shape


@pytest.mark.slow
def test_the_tflite_file_gives_logits_and_tags(softmax, tmp_path):
    manifest = export(softmax, tmp_path / "m", format="tflite").manifest
    assert "tokens_32" in str(manifest)
    run = tf.lite.Interpreter(
        str(tmp_path / "m" / "model.tflite")
    ).get_signature_runner("tokens_32")
    assert set(run.get_output_details()) == {
        "logits",
        "tag_id",
        "tag_probability",
    }


def test_a_checkpoints_head_gives_the_same_tags(softmax):
    weights = softmax.head.get_weights(softmax)
    head = TaggingHead.from_weights(weights)
    assert head.labels_by_index == LABELS
    twin = TaskModel(softmax.encoder, head, softmax.tokenizer)
    head.set_weights(twin, weights)
    text = "aa bb. dd"
    assert twin.predict_text(text) == softmax.predict_text(text)


def test_labels_of_other_models_are_read():
    assert (
        TaggingHead.from_weights(
            HeadWeights("tagging", ["B-x", "O", "I-x"], {}, {})
        ).scheme
        == "IOB2"
    )
    assert (
        TaggingHead.from_weights(
            HeadWeights("tagging", ["NOUN", "VERB"], {}, {})
        ).scheme
        == "none"
    )


def test_a_word_without_tokens_is_no_span():
    model = make_model(TaggingHead(["DET", "NOUN"], scheme="none"))
    rows = MemoryExamples({"tokens": [["aa", "\ufe0f", "bb"]]})
    (answer,) = model.iterate_answers(rows)
    assert answer["words"] == ["aa", "\ufe0f", "bb"]
    assert len(answer["tags"]) == 3
    assert [span["text"] for span in answer["spans"]] == ["aa", "bb"]


# `test_labels.py` spells tags with the labels of each.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("labels", "scheme"),
    [
        (["O", "B-x", "I-x", "E-x", "S-x"], "IOBES"),
        (["O", "B-x", "I-x", "L-x", "U-x"], "IOBES"),
        (["O", "I-x"], "IOB1"),
        (["B", "I", "O"], "IOB2"),
    ],
    ids=["IOBES", "BILOU", "I alone", "letters"],
)
def test_heads_of_other_models_learn_their_own_labels(labels, scheme):
    head = TaggingHead.from_weights(HeadWeights("tagging", labels, {}, {}))
    assert head.scheme == scheme
    head.dropout = 0.0
    name = "_" if "B" in labels else "x"
    spans = [(0, 2, name), (6, 11, name)]
    tagged = {"tokens": TOKENS[0], "tags": ["B-x", "O", "O"]}
    if name == "_":
        tagged["tags"] = ["B", "O", "O"]
    rows = MemoryExamples(
        {"text": ["aa bb cc dd", "bb cc"], "spans": [spans, []]}
    )
    model = make_model(head)
    model.compile(learning_rate=0.05, weight_decay=0.0)
    model.fit(rows, epochs=30, verbose=0)
    answer = model.predict_text("aa bb cc dd")
    found = [
        (one["start"], one["end"], one["label"]) for one in answer["spans"]
    ]
    assert found == spans
    truth = {"IOBES": "S O B E"}.get(scheme, "B O B I").split()
    if labels[3:4] == ["L-x"]:
        truth = "U O B L".split()
    if scheme == "IOB1":
        truth = "I O I I".split()
    own = [tag if tag == "O" or name == "_" else f"{tag}-x" for tag in truth]
    assert answer["tags"] == own
    scores = head.score(
        [Example(tagged, "f:1")], [{"tags": [own[0], "O", "O"]}]
    )
    assert scores["token_accuracy"] == 1.0
    assert scores["micro"]["f1"] == 1.0


def test_answers_are_scored_strictly_too():
    row = Example({"tokens": ["a", "b"], "tags": ["B-x", "I-x"]}, "f:1")
    for strict, f1 in ((False, 1.0), (True, 0.0)):
        head = TaggingHead(LABELS, strict=strict)
        scores = head.score([row], [{"tags": ["I-x", "I-x"]}])
        assert scores["micro"]["f1"] == f1


def test_tags_that_break_the_scheme_are_counted():
    found = [
        Example({"tokens": ["a", "b"], "tags": ["O", "I-x"]}, "f:1"),
        Example({"tokens": ["a"], "tags": ["B-x"]}, "f:4"),
        Example({"text": "a", "spans": []}, "f:6"),
    ]
    report = check_examples(found, TaggingHead(LABELS))
    assert report.remark_lines() == [
        "1 of 3 examples: tags break the scheme IOB2, and are read as seqeval "
        "and conlleval read them (f:1)"
    ]


def test_labels_and_scheme_are_found_in_examples():
    head = TaggingHead.from_examples(
        [
            Example({"tokens": ["a"], "tags": ["U-y"]}, "f:1"),
            Example({"tokens": ["a", "b"], "tags": ["B-x", "L-x"]}, "f:3"),
        ]
    )
    assert head.scheme == "IOBES"
    assert head.labels_by_index == LABELS


def test_words_outside_of_spans_have_a_label_in_every_scheme():
    found = [Example({"text": "aa bb", "spans": [(0, 2, "p")]}, "f:1")]
    head = TaggingHead.from_examples(found, scheme="none")
    assert head.labels_by_index == ["O", "p"]
    with pytest.raises(InputError, match="must have the label O"):
        TaggingHead(["p", "q"], scheme="none").example(found[0].values, True)


def test_a_type_may_be_a_line():
    found = [
        Example({"text": "aa", "spans": [(0, 2, "_")]}, "f:1"),
        Example({"text": "aa", "spans": [(0, 2, "x")]}, "f:2"),
    ]
    head = TaggingHead.from_examples(found)
    assert head.labels_by_index == ["O", "B-_", "I-_", "B-x", "I-x"]
    mixed = Example({"tokens": ["a", "b"], "tags": ["B-x", "B"]}, "f:3")
    with pytest.raises(InputError, match="f:3: either all tags but O must"):
        TaggingHead.from_examples([mixed], scheme="IOB2")


def test_a_corpus_without_entities_is_refused():
    with pytest.raises(InputError, match="O for every word, up to f:1. Check"):
        TaggingHead.from_examples(
            [Example({"tokens": ["a"], "tags": ["O"]}, "f:1")]
        )
    with pytest.raises(InputError, match="Received: no example. Check"):
        TaggingHead.from_examples([])


def test_an_odd_tag_names_its_line():
    lines = Example(
        {"tokens": ["a", "b"], "tags": ["B-x", "tag"]}, "f:1", ["f:1", "f:2"]
    )
    with pytest.raises(InputError, match="f:2: Either all tags but O"):
        TaggingHead.from_examples([lines])


def test_tags_and_spans_are_scored_together():
    spans = [(0, 2, "x"), (3, 5, "y")]
    mixed = [
        {"tokens": TOKENS[0], "tags": TAGS[0]},
        {"text": "dd dd", "spans": spans},
    ]
    found = score_examples(
        [Example(values, "f") for values in mixed],
        [
            {"tags": TAGS[0], "spans": []},
            {"spans": [{"start": 0, "end": 2, "label": "x"}]},
        ],
        "IOB2",
        LabelSet(LABELS, True),
    )
    num_spans = len(entities(TAGS[0]))
    assert found["micro"]["support"] == num_spans + 2
    assert found["micro"]["recall"] == (num_spans + 1) / (num_spans + 2)


def test_tags_without_prefixes_are_scored_apart_from_spans():
    found = score_examples(
        [
            Example({"tokens": ["a", "b"], "tags": ["x", "y"]}, "f:1"),
            Example(
                {"text": "a b", "spans": [(0, 1, "y"), (2, 3, "x")]}, "f:2"
            ),
        ],
        [
            {"tags": ["x", "x"], "spans": []},
            {"spans": [{"start": 0, "end": 1, "label": "y"}]},
        ],
        "none",
        LabelSet(["x", "y"], False),
    )
    assert found["token_accuracy"] == 0.5
    assert found["micro"]["support"] == 2
    assert found["micro"]["recall"] == 0.5


def test_types_of_spans_are_found_in_examples():
    head = TaggingHead.from_examples(
        [Example({"text": "a b", "spans": [(0, 1, "y"), (2, 3, "x")]}, "f:1")]
    )
    assert head.labels_by_index == LABELS


def test_a_wrong_tag_is_found_on_its_own_line(tmp_path):
    path = tmp_path / "a.conll"
    path.write_text("a O\n\na O\nb B-z\nc O\n")
    with pytest.raises(InputError, match="a.conll:4: A tag must be one of"):
        check_examples(TaggedFile(path), TaggingHead(LABELS))
    path.write_text("a B-x\nb X-y\n")
    with pytest.raises(InputError, match="a.conll:2: A tag of IOB2 must"):
        TaggingHead.from_examples(TaggedFile(path), scheme="IOB2")


def test_strict_refuses_what_breaks_the_scheme():
    row = Example({"tokens": ["a", "b"], "tags": ["B-y", "I-x"]}, "f:7")
    assert TaggingHead.from_examples([row]).labels_by_index == LABELS
    with pytest.raises(InputError, match="f:7: tags must follow the scheme"):
        TaggingHead.from_examples([row], strict=True)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"tokens": ["a"], "tags": ["B-z"]}, "O, B-x, I-x.*'B-z' at word 1"),
        ({"tokens": ["a"], "tags": []}, "1 tokens, 0 tags"),
        ({"tokens": ["a"]}, "for each token. Received: none"),
        ({"tokens": ["a"], "tags": 5}, "for each token. Received: 5"),
        ({"tokens": ["a"], "tags": "O"}, "for each token. Received: 'O'"),
        ({"tokens": ["a"], "text": "b", "tags": ["O"]}, "either a `text` or"),
        ({"tokens": ["a"], "tags": ["O"], "spans": []}, "Leave one out"),
        ({"tokens": [], "tags": []}, "at least one word"),
        ({"tokens": ["a", ""], "tags": ["O", "O"]}, "must be a word"),
        ({"tokens": "ab", "tags": ["O", "O"]}, "must be a list"),
        ({"tags": ["O"]}, "must have a `text`, or a list of `tokens`"),
        ({"text": "a"}, "must have `spans`"),
        ({"text": "a", "spans": [(0, 1, "z")]}, "one of x, y. Received: 'z'"),
        ({"text": "a", "spans": [(0, 2, "x")]}, "within the text"),
        ({"text": "ab", "spans": [(0, 2, "x"), (1, 2, "x")]}, "not overlap"),
    ],
)
def test_wrong_examples_are_refused(values, message):
    with pytest.raises(InputError, match=message):
        TaggingHead(LABELS).example(values, with_label=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "must be a list of tags"),
        ({"labels": ["O"]}, "at least 2 different"),
        ({"labels": ["O", "O"]}, "at least 2 different"),
        ({"labels": ["B-x", "I-x"]}, "must be O and tags such as"),
        ({"labels": ["O", "DET"]}, "must be O and tags such as"),
        ({"labels": LABELS, "scheme": "IOB3"}, "one of IOB1, IOB2"),
    ],
)
def test_wrong_options_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        TaggingHead(**arguments)


def test_whole_numbers_are_indices_of_the_labels():
    head = TaggingHead(["O", "B-x", "I-x"])
    values = {"tokens": ["a", "b", "c"], "tags": np.array([1, 2, 0])}
    assert head.example(values, True)["tags"] == [1, 2, 0]
    with pytest.raises(InputError, match="Received: '3'"):
        head.example({"tokens": ["a", "b"], "tags": [0, 3]}, True)
