"""`fit` gives a step that is compiled for shapes few of them."""

import pathlib

import keras
import programs
import pytest
import tensorflow as tf
from absl import logging

from keras_bert_zoo import testing
from keras_bert_zoo.data import InputCounts
from keras_bert_zoo.data import MemoryExamples
from keras_bert_zoo.data import build_dataset
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task import fit_inputs
from keras_bert_zoo.task.model import TaskModel
from task_heads.tagging.head import TaggingHead

COUNT = pathlib.Path(__file__).with_name("count_compilations.py")
ORDER = {"tokens_per_batch": None, "packed_length": None}
WANTED = {"drop_remainder": True, "bucket_lengths": (32,)}


@pytest.mark.parametrize(
    ("compiled", "asked", "options"),
    [
        (False, None, {}),
        (True, None, WANTED),
        (True, False, {}),
        (False, True, WANTED),
    ],
)
def test_shapes_are_fixed_where_xla_compiles(
    make_model, compiled, asked, options
):
    model = make_model()
    model.compile(jit_compile=compiled)
    assert fit_inputs.fixed_shape_options(model, asked, ORDER) == options


@pytest.mark.slow
def test_shapes_are_fixed_on_a_tpu(make_model, texts, labels, monkeypatch):
    model = make_model()
    model.compile()
    free = fit_inputs.evaluation_data(model, texts, labels, 3)
    strategy = object.__new__(tf.distribute.TPUStrategy)
    monkeypatch.setattr(TaskModel, "distribute_strategy", strategy)
    assert fit_inputs.fixed_shape_options(model, None, ORDER) == WANTED

    found = fit_inputs.evaluation_data(model, texts, labels, 3)
    assert found["steps"] == free["steps"] == 3

    def shapes(arguments):
        return [batch[0]["token_ids"].shape for batch in arguments["x"]]

    assert shapes(found) == [(3, 32), (3, 32), (2, 32)]
    assert max(length for _, length in shapes(free)) < 32


@pytest.mark.slow
def test_metrics_are_built_for_batches_of_known_shapes():
    """A tagger's, whose weights have the shape of the words."""
    words = [["a", "b"], ["b", "a", "a"]]
    tokenizer = testing.tiny_tokenizer([" ".join(one) for one in words])
    model = TaskModel(
        testing.tiny_encoder(len(tokenizer.vocabulary)),
        TaggingHead(["O", "B-x", "I-x"]),
        tokenizer,
    )
    model.compile()
    examples = MemoryExamples(
        {"tokens": words, "tags": [["O", "B-x"], ["B-x", "O", "O"]]}
    )
    batches = build_dataset(
        examples, model.head, tokenizer, sequence_length=8, batch_size=2
    )
    (batch,) = batches
    trained = model.train_on_batch(*batch, return_dict=True)
    assert 0 < trained["loss"] < 10
    assert set(trained) == set(
        model.evaluate(batches, verbose=0, return_dict=True)
    )


@pytest.mark.slow
def test_xla_compiles_once_for_each_width():
    ((fixed, num_lengths, free),) = programs.run(COUNT)
    assert fixed == num_lengths
    assert free > num_lengths


@pytest.mark.slow
def test_a_dropped_incomplete_batch_is_reported(
    make_model, texts, labels, caplog
):
    model = make_model(freeze_encoder=True)
    logging.get_absl_logger().propagate = True
    seen = []
    batch_end = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(batch)
    )
    model.fit(
        texts,
        labels,
        batch_size=3,
        epochs=2,
        fixed_shapes=True,
        callbacks=[batch_end],
        verbose=0,
    )
    assert seen == [0, 1] * 2
    assert "2 of 8 sequences are dropped from each epoch" in caplog.text
    assert model.optimizer._learning_rate.total_steps == 4


@pytest.mark.slow
def test_dropped_windows_are_reported(make_model, caplog):
    model = make_model(TaggingHead(["O", "B-x"]), sequence_length=4)
    model.compile()
    logging.get_absl_logger().propagate = True
    # Two words in a window: these are one, two, one and one.
    rows = [{"tokens": ["fine"] * n, "tags": ["O"] * n} for n in (1, 3, 2, 1)]
    arguments = fit_inputs.training_data(
        model,
        rows,
        None,
        2,
        InputCounts(),
        **fit_inputs.fixed_shape_options(model, True, ORDER),
    )
    assert arguments["steps_per_epoch"] == 2
    assert "1 of 5 sequences are dropped from each epoch" in caplog.text


@pytest.mark.slow
def test_too_few_windows_are_refused(make_model):
    model = make_model(TaggingHead(["O", "B-x"]))
    rows = [{"tokens": ["fine"], "tags": ["O"]}] * 3
    with pytest.raises(InputError, match="batch_size=4, and 3 sequences"):
        model.fit(rows, batch_size=4, fixed_shapes=True, verbose=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 9}, "batch_size=9, and 8 sequences of tokens. Lower"),
        ({"tokens_per_batch": 64}, "tokens_per_batch=64. Leave it out, or"),
    ],
)
def test_shapes_that_cannot_be_fixed_are_refused(
    make_model, texts, labels, options, message
):
    with pytest.raises(InputError, match=message):
        make_model().fit(texts, labels, fixed_shapes=True, **options)
