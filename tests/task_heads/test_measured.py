"""`measure` is `evaluate` and `score` of each head, from one run."""

import every_head
import pytest
import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task.model import TaskModel
from keras_bert_zoo.workflows.evaluate import evaluate
from task_heads.classification.head import ClassificationHead

SCORED = [name for name in every_head.HEADS if name != "masked LM"]


@pytest.fixture
def runs(monkeypatch):
    """The number of sequences in each run of a model."""
    sizes = []
    call = TaskModel.call

    def counted(self, inputs, training=None, mask=None):
        def note(size):
            sizes.append(int(size))
            return size

        rows = tf.shape(inputs["token_ids"])[0]
        with tf.control_dependencies(
            [tf.numpy_function(note, [rows], rows.dtype)]
        ):
            inputs = {k: tf.identity(v) for k, v in inputs.items()}
        return call(self, inputs, training=training, mask=mask)

    monkeypatch.setattr(TaskModel, "call", counted)
    return sizes


def model_and_rows(name):
    head, rows = every_head.HEADS[name]
    return every_head.make_model(head()), rows


def close_to(numbers):
    return {
        name: close_to(value)
        if isinstance(value, dict)
        else pytest.approx(value, rel=1e-5, nan_ok=True)
        for name, value in numbers.items()
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", every_head.HEADS)
def test_the_numbers_are_those_of_evaluate_and_score(name):
    model, rows = model_and_rows(name)
    expected = model.evaluate(rows, batch_size=2, return_dict=True, verbose=0)
    expected |= model.score(rows, batch_size=2)
    found = model.measure(rows, batch_size=2)
    assert found == close_to(expected)
    assert list(found) == list(expected)
    # A second time, too: what was counted is forgotten.
    assert model.measure(rows, batch_size=2) == found


@pytest.mark.slow
@pytest.mark.parametrize("name", SCORED)
def test_the_model_runs_once(name, runs):
    model, rows = model_and_rows(name)
    runs.clear()
    list(model.iterate_answers(rows, batch_size=2))
    once = sorted(runs)
    runs.clear()
    evaluate(model, data=rows, batch_size=2)
    assert sorted(runs) == once


class Whispering(ClassificationHead):
    """Evaluates by other inputs than it answers by."""

    def features(self, examples, tokenizer, sequence_length):
        found = super().features(examples, tokenizer, sequence_length)
        if "random_seed" not in examples:
            return found
        ids = found.inputs["token_ids"]
        return found._replace(inputs={**found.inputs, "token_ids": ids * 0})


@pytest.mark.slow
def test_a_head_that_reads_other_inputs_to_evaluate_is_run_for_each():
    _, rows = every_head.HEADS["score"]
    model = every_head.make_model(Whispering(kind="regression"))
    expected = model.evaluate(rows, return_dict=True, verbose=0)
    assert model.measure(rows) == close_to({**expected, **model.score(rows)})


@pytest.mark.slow
def test_progress_is_heard_after_each_batch():
    model, rows = model_and_rows("tags")
    heard = []
    model.measure(rows, batch_size=2, on_batch=heard.append)
    assert heard == [0, 2, 3]


def test_an_example_without_a_label_is_refused():
    model, _ = model_and_rows("score")
    with pytest.raises(InputError, match="example 1"):
        model.measure([{"text": "a"}])
