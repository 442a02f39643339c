"""How long answers may be, in tokens and in characters without spaces."""

import itertools
import os
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo import feature_names
from keras_bert_zoo import testing
from keras_bert_zoo.data import Example
from keras_bert_zoo.task.model import TaskModel
from keras_bert_zoo.tokenization import BertTokenizer
from keras_bert_zoo.tokenization import Vocabulary
from keras_bert_zoo.workflows.export import export
from task_heads.span_qa.features import TARGET
from task_heads.span_qa.files import QuestionFile
from task_heads.span_qa.head import SpanQAHead
from task_heads.span_qa.lengths import answer_limits
from task_heads.span_qa.lengths import length_warnings

ROOT = pathlib.Path(__file__).parents[3]
SHARED = ROOT / os.environ.get("KBZ_SHARED", "../shared")
MIXED = "北京大学 aa bb、カレーを cc dd ee 上海"
LONG = "".join(chr(0x4E00 + i) for i in range(90))


def tokenizer():
    return testing.tiny_tokenizer([MIXED, LONG, "aa bb cc dd ee ff gg"])


def limits(texts, max_answer_length):
    spans = tokenizer().tokenize_with_offsets(texts)
    found = answer_limits(spans, tf.constant(texts), max_answer_length)
    return spans.ids.with_flat_values(found).to_list()


def test_of_spaced_text_tokens_are_counted():
    assert limits(["aa bb cc dd", "aa", ""], 2) == [[2, 3, 4, 4], [1], []]
    # A text with characters changes nothing for those beside it.
    assert limits(["aa é bb cc", "北京"], 2)[0] == [2, 3, 4, 4]


def test_three_characters_without_spaces_count_as_a_token():
    # 北 京 大 学 aa bb: 3 characters; or 3 and aa; or aa and bb.
    assert limits(["北京大学aa bb"], 1) == [[3, 4, 4, 4, 5, 6]]
    assert limits(["北京大学aa bb"], 2) == [[4, 5, 5, 5, 6, 6]]


def test_a_token_of_many_characters_may_stand_alone():
    words = testing.tiny_tokenizer(["カレーライス aa"])
    spans = words.tokenize_with_offsets(["カレーライス aa"])
    assert spans.ids.row_lengths().numpy().tolist() == [2]
    texts = tf.constant(["カレーライス aa"])
    assert answer_limits(spans, texts, 1).numpy().tolist() == [1, 2]
    # Six characters are two tokens.
    assert answer_limits(spans, texts, 2).numpy().tolist() == [1, 2]
    assert answer_limits(spans, texts, 3).numpy().tolist() == [2, 2]


def is_short(text, max_answer_length):
    spaced, characters = "", 0
    for character in text:
        if ord(character) > 0x3000:
            characters += 1
            spaced += " "
        else:
            spaced += character
    length = 3 * len(spaced.split()) + characters
    return length <= 3 * max_answer_length


@pytest.mark.parametrize("max_answer_length", [1, 2, 5])
def test_candidates_are_all_spans_that_are_short_enough(max_answer_length):
    head = SpanQAHead(
        no_answer=False, max_answer_length=max_answer_length, n_best=1000
    )
    examples = {
        "question": tf.constant(["aa"]),
        "context": tf.constant([MIXED]),
    }
    features = head.features(examples, tokenizer(), 64)
    shape = features.inputs[feature_names.TOKEN_IDS].to_tensor().shape
    logits = {
        name: tf.random.stateless_normal(shape, [1, seed])
        for seed, name in enumerate(("start_logits", "end_logits"))
    }
    decoded = head.decode_texts(logits, features.decoding_context())
    (answer,) = head.answers({k: v.numpy() for k, v in decoded.items()})
    starts = features.context["char_start"].to_list()[0]
    ends = features.context["char_end"].to_list()[0]
    spans = [
        (start, end)
        for (first, start), (last, end) in itertools.product(
            enumerate(starts), enumerate(ends)
        )
        if last == first
        or (last > first and is_short(MIXED[start:end], max_answer_length))
    ]
    found = [(one["start"], one["end"]) for one in answer["candidates"]]
    assert sorted(found) == sorted(spans)


@pytest.mark.parametrize("length", [48, 200])
def test_the_longest_answer_is_in_reach_wherever_it_stands(length):
    head = SpanQAHead(no_answer=False, max_answer_length=3, doc_stride=100)
    starts = range(0, len(LONG) - 9)
    examples = [
        head.example(
            {
                "question": "aa",
                "context": LONG,
                "answers": [{"text": LONG[start : start + 9], "start": start}],
            },
            True,
        )
        for start in starts
    ]
    features = head.features(
        {key: tf.constant([e[key] for e in examples]) for key in examples[0]},
        tokenizer(),
        length,
    )
    logits = {
        name: tf.where(labels.to_tensor() == TARGET, 9.0, -9.0)
        for name, labels in features.labels.items()
    }
    decoded = head.decode_texts(logits, features.decoding_context())
    answers = head.answers({k: v.numpy() for k, v in decoded.items()})
    assert [answer["answer"] for answer in answers] == [
        LONG[start : start + 9] for start in starts
    ]


@pytest.mark.slow
def test_a_saved_model_gives_answers_as_long(tmp_path):
    words = tokenizer()
    model = TaskModel(
        testing.tiny_encoder(len(words.vocabulary), initializer_range=2.0),
        SpanQAHead(no_answer=False, max_answer_length=2, n_best=50),
        words,
    )
    export(model, tmp_path / "1")
    served = tf.saved_model.load(tmp_path / "1").signatures["serving_default"]
    texts = [MIXED, LONG, "aa bb cc"]
    found = served(question=tf.constant(["aa"] * 3), context=tf.constant(texts))
    live = model.predict_text([("aa", text) for text in texts])
    for row, answer in enumerate(live):
        candidates = [one["text"] for one in answer["candidates"]]
        count = int(found["num_candidates"][row])
        assert [
            text.decode() for text in found["candidate"][row, :count].numpy()
        ] == candidates
    assert max(len(one["text"]) for one in live[1]["candidates"]) == 6
    np.testing.assert_allclose(
        found["score"], [answer["score"] for answer in live], rtol=1e-4
    )


def test_answers_with_too_many_characters_are_named():
    values = [
        (LONG[:7], "example 1"),
        (LONG[:6], "example 2"),
        ("aa bb cc", "example 3"),
        ("aa bb", "example 4"),
    ]
    rows = [
        Example(
            {
                "question": "aa",
                "context": text,
                "answers": [{"text": text, "start": 0}],
            },
            origin,
        )
        for text, origin in values
    ]
    (line,) = length_warnings(rows, tokenizer(), 9, 2)
    assert line.startswith("2 answers have more than 2 tokens")
    assert line.endswith("example 1; example 3.")


@pytest.mark.skipif(
    not SHARED.is_dir(), reason="needs the published data sets (KBZ_SHARED)"
)
def test_every_chinese_answer_of_xquad_is_in_reach():
    words = BertTokenizer(
        Vocabulary.from_file(
            SHARED / "models/vocab/bert-base-uncased-vocab.txt"
        ),
        lowercase=True,
    )
    rows = QuestionFile(SHARED / "data/xquad/xquad.zh.json.gz")
    assert length_warnings(rows, words, 1000, 30) == []
