"""Sequences that share a row, against the same ones each in its own."""

import functools
from typing import Any
from typing import NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf
from every_head import HEADS
from every_head import TEXTS
from every_head import make_model

import keras_bert_zoo as zoo
from keras_bert_zoo import data
from keras_bert_zoo import feature_names
from keras_bert_zoo import testing
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task import TaskHead
from keras_bert_zoo.task import encode
from task_heads.classification.head import ClassificationHead


def packed_batch(model, rows, width=40):
    columns = {key: [row[key] for row in rows] for key in rows[0]}
    dataset = data.build_dataset(
        data.MemoryExamples(columns),
        model.head,
        model.tokenizer,
        sequence_length=16,
        batch_size=32,
        packed_length=width,
    )
    return next(iter(dataset))


def without_places(inputs):
    return {
        k: v for k, v in inputs.items() if k not in feature_names.PACKED_INPUTS
    }


def outputs_and_gradients(model, batch):
    x, y, weights = keras.utils.unpack_x_y_sample_weight(batch)
    with tf.GradientTape() as tape:
        outputs = model(x, training=True)
        loss = model.compute_loss(x, y, outputs, weights, training=True)
    variables = [one.value for one in model.trainable_variables]
    gradients = tape.gradient(loss, variables)
    return outputs, [
        None if one is None else tf.convert_to_tensor(one).numpy()
        for one in gradients
    ]


def at_real_tokens(outputs, mask):
    def chosen(tensor):
        is_by_token = tensor.shape[1:2] == mask.shape[1:]
        return (tensor[mask > 0] if is_by_token else tensor).numpy()

    return keras.tree.map_structure(chosen, outputs)


class Alone(NamedTuple):
    """What a model makes of sequences that have rows of their own."""

    model: zoo.TaskModel
    packed: tuple
    plain: tuple
    outputs: Any
    gradients: list


# The others differ from one of these in nothing that packing touches.
FAST = ("tags",)


@functools.cache
def alone(name):
    make_head, rows = HEADS[name]
    model = model_without_dropout(make_head())
    packed = packed_batch(model, rows)
    plain = (without_places(packed[0]), *packed[1:])
    return Alone(model, packed, plain, *outputs_and_gradients(model, plain))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in FAST else pytest.mark.slow)
        for name in HEADS
    ],
)
def test_packed_sequences_give_what_separate_ones_give(name):
    expected = alone(name)
    inputs = expected.packed[0]
    mask = inputs[feature_names.PADDING_MASK]
    num_rows = int(tf.reduce_max(inputs[feature_names.PACKED_INDEX])) + 1
    assert num_rows < mask.shape[0]  # or nothing is packed

    found, gradients = outputs_and_gradients(expected.model, expected.packed)

    for one, other in zip(
        keras.tree.flatten(at_real_tokens(found, mask)),
        keras.tree.flatten(at_real_tokens(expected.outputs, mask)),
        strict=True,
    ):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)
    assert any(np.abs(one).max() > 1e-3 for one in gradients if one is not None)
    for one, other in zip(gradients, expected.gradients, strict=True):
        if other is None:
            assert one is None
        else:
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)


def numbers(batch, outputs, gradients):
    """Returns the logits of real tokens, and the gradients of weights."""
    mask = batch[0][feature_names.PADDING_MASK]
    logits = keras.tree.flatten(at_real_tokens(outputs, mask))
    gradients = [one for one in gradients if one is not None]
    return [np.asarray(one, "float32") for one in (*logits, *gradients)]


@pytest.mark.parametrize(
    ("name", "policy"),
    [
        ("tags", "mixed_bfloat16"),
        *(
            pytest.param(name, policy, marks=pytest.mark.slow)
            for name, policy in (
                ("single label", "mixed_bfloat16"),
                ("single label", "mixed_float16"),
                ("tags", "mixed_float16"),
                ("span QA", "mixed_bfloat16"),
                ("span QA", "mixed_float16"),
            )
        ),
    ],
)
def test_low_precision_loses_no_more_than_with_separate_sequences(name, policy):
    own = alone(name)
    earlier = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        make_head, _ = HEADS[name]
        low = model_without_dropout(make_head())
    finally:
        keras.config.set_dtype_policy(earlier)
    low.set_weights(own.model.get_weights())
    exact = numbers(own.plain, own.outputs, own.gradients)
    packed, unpacked = (
        numbers(batch, *outputs_and_gradients(low, batch))
        for batch in (own.packed, own.plain)
    )
    for one, other, true in zip(packed, unpacked, exact, strict=True):
        lost, own_loss = np.abs(one - true).max(), np.abs(other - true).max()
        assert lost <= 1.5 * own_loss + 1e-6


def model_without_dropout(head):
    model = make_model(head, dropout=0.0, attention_dropout=0.0)
    for layer in model._flatten_layers():
        if isinstance(layer, zoo.Dropout):
            layer.rate = 0.0
    model.compile()
    return model


def texts_and_labels():
    texts = [" ".join(TEXTS[0].split()[: 1 + i % 6]) for i in range(40)]
    return texts, ["good" if "in" in text else "bad" for text in texts]


def test_fit_learns_and_counts_tokens():
    model = make_model(ClassificationHead(["bad", "good"], dropout=0.0))
    model.compile(keras.optimizers.SGD(0.1))
    watch = model.step_counters()
    watched = []
    note = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: watched.append(
            [int(watch.num_tokens.value), int(watch.num_padded_tokens.value)]
        )
    )
    history = model.fit(
        *texts_and_labels(),
        packed_length=32,
        epochs=4,
        batch_size=8,
        verbose=0,
        callbacks=[note],
    ).history
    assert history["loss"][-1] < history["loss"][0]
    counts = model.input_counts
    assert counts.num_examples == 40
    assert 0 <= counts.padding_fraction < 0.2
    # The counts are those of the first pass.
    assert watched[0] == [counts.num_tokens, counts.num_padded_tokens]
    assert counts.num_tokens > 0


@pytest.mark.slow
def test_a_part_of_the_encoder_can_be_frozen():
    tokenizer = testing.tiny_tokenizer(TEXTS)
    encoder = testing.tiny_encoder(len(tokenizer.vocabulary), dropout=0.5)
    head = ClassificationHead(["bad", "good"], dropout=0.0)
    model = zoo.TaskModel(encoder, head, tokenizer, freeze_encoder=True)
    inputs, *_ = packed_batch(
        model, [{"text": text, "label": "good"} for text in TEXTS]
    )
    # Without dropout, as in inference.
    np.testing.assert_allclose(
        model(inputs, training=True),
        model(without_places(inputs), training=False),
        atol=1e-6,
    )


def test_a_later_part_of_a_batch_is_read_alike():
    model = make_model(ClassificationHead(["bad", "good"]))
    rows = [{"text": text, "label": "good"} for text in TEXTS * 2]
    inputs, *_ = packed_batch(model, rows)
    part = {name: tensor[2:] for name, tensor in inputs.items()}
    np.testing.assert_allclose(model(part), model(inputs)[2:], atol=1e-6)
    none = {name: tensor[:0] for name, tensor in inputs.items()}
    assert model(none).shape == (0, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"packed_length": 0}, "packed_length"),
        ({"packed_length": 32, "tokens_per_batch": 64}, "tokens_per_batch=64"),
        (
            {"packed_length": 32, "fixed_shapes": True},
            "packed_length=32, and a",
        ),
    ],
)
def test_refuses(options, message):
    model = make_model(ClassificationHead(["bad", "good"]))
    with pytest.raises(InputError, match=message):
        model.fit(*texts_and_labels(), **options)


def test_xla_is_refused():
    model = make_model(ClassificationHead(["bad", "good"]))
    model.compile(jit_compile=True)
    for fixed_shapes in (None, False):
        with pytest.raises(InputError, match="packed_length=32, and a step"):
            model.fit(
                *texts_and_labels(), packed_length=32, fixed_shapes=fixed_shapes
            )


class _ByItself(ClassificationHead):
    """Calls the encoder, rather than `encode`."""

    def build(self, encoder):
        pooled = encoder(encoder.input)["pooled_output"]
        return keras.Model(encoder.input, keras.layers.Dense(2)(pooled))


def test_a_head_must_use_encode():
    assert issubclass(_ByItself, TaskHead)
    model = make_model(_ByItself(["bad", "good"]))
    with pytest.raises(InputError, match="calls the encoder once"):
        model.fit(*texts_and_labels(), packed_length=32)


class _OtherSegments(ClassificationHead):
    def build(self, encoder):
        inputs = dict(encoder.input)
        inputs["segment_ids"] = 1 - inputs["segment_ids"]
        pooled = encode(encoder, inputs, "pooled_output")
        return keras.Model(encoder.input, keras.layers.Dense(2)(pooled))


def test_a_head_must_encode_what_it_is_given():
    model = make_model(_OtherSegments(["bad", "good"]))
    with pytest.raises(InputError, match="with segment_ids of its own. Leave"):
        model.fit(*texts_and_labels(), packed_length=32)


def test_needs_an_encoder_that_can():
    model = make_model(ClassificationHead(["bad", "good"]))
    model.encoder = keras.Model(model.encoder.input, model.encoder.output)
    with pytest.raises(InputError, match="need a `BertEncoder`"):
        model.fit(*texts_and_labels(), packed_length=32)


def test_a_saved_model_is_the_same(tmp_path):
    model = make_model(ClassificationHead(["bad", "good"]))
    names_before = [one.path for one in model.variables]
    model.for_packed_sequences()
    assert [one.path for one in model.variables] == names_before
    model.save_to_preset(tmp_path / "saved")
    other = zoo.TaskModel.from_preset(tmp_path / "saved")
    for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
