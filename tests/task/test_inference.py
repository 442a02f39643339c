"""Wrong calls of a task model get errors that say what is wrong."""

import numpy as np
import pytest

from keras_bert_zoo import testing
from keras_bert_zoo.data import MemoryExamples
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task.model import TaskModel
from task_heads.classification.head import ClassificationHead
from task_heads.span_qa.head import SpanQAHead


def make_model(**options):
    tokenizer = testing.tiny_tokenizer(["a b"])
    return TaskModel(
        testing.tiny_encoder(len(tokenizer.vocabulary)),
        SpanQAHead(no_answer=False),
        tokenizer,
        **options,
    )


@pytest.fixture(scope="module")
def model():
    return make_model()


@pytest.mark.parametrize("batch_size", [0, -1, 2.5, "a", None, 10**30])
@pytest.mark.parametrize("call", ["predict_text", "fit"])
def test_batches_have_a_whole_number_of_texts(model, call, batch_size):
    texts = MemoryExamples(
        {"question": ["a"], "context": ["a"], "answers": [[]]}
    )
    with pytest.raises(InputError, match="`batch_size` must be a whole numb"):
        getattr(model, call)(texts, batch_size=batch_size)


def test_no_texts_have_no_answers(model):
    assert model.predict_text([]) == []
    assert model.predict_text(np.array([])) == []
    with pytest.raises(InputError, match="at least one example"):
        model.fit([])


def test_a_list_of_mappings_is_scored(model):
    row = {
        "question": "a",
        "context": "a b",
        "answers": [{"text": "a", "start": 0}],
    }
    assert model.score([row])["total"] == 1
    with pytest.raises(InputError, match="example 1: .* must have `answers`"):
        model.score([{"question": "a", "context": "a b"}])
    with pytest.raises(
        InputError, match="Labelled examples.* needed.* dict. G"
    ):
        model.tune({"a": 1})


@pytest.mark.parametrize(
    ("head", "options", "message"),
    [
        ("multi_task", {"x": 1}, "'multi_task' takes the options heads. Rec"),
        ("span_qa", {"bogus": 1}, "Received: bogus: got an unexpected"),
        ("tagging", {"labels": 5}, "must be a list of tags"),
        ("classification", {"labels": 5}, "must be a list of names"),
        (5, {}, "or a `TaskHead`. Received: 5"),
        (ClassificationHead, {}, "or a `TaskHead`. Received: <class"),
    ],
)
def test_a_wrong_head_is_refused(model, tmp_path, head, options, message):
    with pytest.raises(InputError, match=message):
        TaskModel.from_preset(tmp_path, head, **options)


@pytest.mark.parametrize("length", [64.0, "64", True])
def test_a_length_is_a_whole_number(length):
    with pytest.raises(InputError, match="`sequence_length` must be a whole"):
        make_model(sequence_length=length)
