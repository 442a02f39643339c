"""Every layer: shape, config, gradient, padding, a value worked by hand."""

import math

import keras
import numpy as np
import pytest
from keras import ops

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.layers import AttentionMask
from keras_bert_zoo.layers import Embeddings
from keras_bert_zoo.layers import FeedForward
from keras_bert_zoo.layers import LayerNorm
from keras_bert_zoo.layers import MaskedLMHead
from keras_bert_zoo.layers import NextSentenceHead
from keras_bert_zoo.layers import Pooler
from keras_bert_zoo.layers import SelfAttention
from keras_bert_zoo.layers import TransformerBlock

IDS = np.array([[1, 2, 3, 0], [4, 1, 0, 0]], "int32")
MASK = np.array([[1, 1, 1, 0], [1, 1, 0, 0]], "int32")


def hidden(width=8):
    return np.random.default_rng(0).normal(size=(2, 4, width)).astype("float32")


CASES = {
    "attention_mask": (lambda: AttentionMask(), (MASK,), (2, 1, 1, 4)),
    "embeddings": (
        lambda: Embeddings(10, 8, max_sequence_length=6),
        (IDS, 0 * IDS),
        (2, 4, 8),
    ),
    "factorised_embeddings": (
        lambda: Embeddings(10, 8, embedding_dim=3, max_sequence_length=6),
        (IDS, 0 * IDS),
        (2, 4, 8),
    ),
    "feed_forward": (lambda: FeedForward(16), (hidden(),), (2, 4, 8)),
    "layer_norm": (lambda: LayerNorm(), (hidden(),), (2, 4, 8)),
    "masked_lm_head": (
        lambda: MaskedLMHead(10, 3),
        (hidden(), np.ones((10, 3), "float32")),
        (2, 4, 10),
    ),
    "next_sentence_head": (
        lambda: NextSentenceHead(),
        (hidden()[:, 0],),
        (2, 2),
    ),
    "pooler": (lambda: Pooler(), (hidden(),), (2, 8)),
    "self_attention": (
        lambda: SelfAttention(2),
        (hidden(), np.zeros((2, 1, 1, 4), "float32")),
        (2, 4, 8),
    ),
    "transformer_block": (
        lambda: TransformerBlock(2, 16),
        (hidden(), np.zeros((2, 1, 1, 4), "float32")),
        (2, 4, 8),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_output_shape(name):
    make, inputs, shape = CASES[name]
    assert tuple(make()(*inputs).shape) == shape


@pytest.mark.parametrize("name", CASES)
def test_symbolic_shape_equals_the_real_one(name):
    make, inputs, shape = CASES[name]
    symbols = [keras.KerasTensor(x.shape, str(x.dtype)) for x in inputs]
    assert make()(*symbols).shape == shape


@pytest.mark.parametrize("name", CASES)
def test_config_round_trip_gives_the_same_output(name):
    make, inputs, _ = CASES[name]
    layer = make()
    expected = ops.convert_to_numpy(layer(*inputs))
    twin = type(layer).from_config(layer.get_config())
    twin(*inputs)
    twin.set_weights(layer.get_weights())
    np.testing.assert_array_equal(ops.convert_to_numpy(twin(*inputs)), expected)


@pytest.mark.parametrize(
    "name", [name for name in CASES if name != "attention_mask"]
)
def test_every_weight_has_a_gradient(name):
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("the gradient tape is TensorFlow's")
    make, inputs, _ = CASES[name]
    layer = make()
    layer(*inputs)
    with tf.GradientTape() as tape:
        loss = ops.sum(ops.square(layer(*inputs)) * 0.5 + layer(*inputs))
    variables = [weight.value for weight in layer.trainable_weights]
    for weight, gradient in zip(variables, tape.gradient(loss, variables)):
        assert gradient is not None, weight.name
        assert np.isfinite(tf.convert_to_tensor(gradient)).all()


@pytest.mark.parametrize(
    "policy", ["mixed_bfloat16", "mixed_float16", "bfloat16", "float16"]
)
def test_layer_norm_of_large_half_precision_values_is_finite(policy):
    layer = LayerNorm(dtype=policy)
    constant = np.full((1, 4), 3.0, "float32")
    assert not ops.convert_to_numpy(ops.cast(layer(constant), "float32")).any()
    values = np.array([[300.0, -300.0, 200.0, 0.0]], "float32")
    outputs = ops.convert_to_numpy(ops.cast(layer(values), "float32"))
    expected = (values - values.mean()) / values.std()
    np.testing.assert_allclose(outputs, expected, atol=0.02)


def test_layer_norm_by_hand():
    layer = LayerNorm(epsilon=0.0)
    outputs = ops.convert_to_numpy(layer(np.array([[1.0, 3.0]], "float32")))
    np.testing.assert_allclose(outputs, [[-1.0, 1.0]])


def test_attention_mask_by_hand():
    outputs = ops.convert_to_numpy(AttentionMask()(MASK))
    assert outputs[1, 0, 0].tolist() == [0.0, 0.0, -10000.0, -10000.0]


def test_attention_of_equal_scores_averages_the_values():
    layer = SelfAttention(1)
    inputs = hidden(2)[:1]
    layer.build(inputs.shape)
    kernel = np.zeros((2, 6), "float32")
    kernel[:, 4:] = np.eye(2)
    layer.set_weights([kernel, np.zeros(6), np.eye(2), np.zeros(2)])
    outputs = layer(inputs, np.zeros((1, 1, 1, 4), "float32"))
    np.testing.assert_allclose(
        ops.convert_to_numpy(outputs)[0],
        np.tile(inputs[0].mean(axis=0), (4, 1)),
        atol=1e-6,
    )


def test_attention_weights_by_hand():
    layer = SelfAttention(1)
    layer.build((1, 2, 1))
    layer.set_weights([np.ones((1, 3)), np.zeros(3), np.eye(1), np.zeros(1)])
    inputs = np.array([[[1.0], [2.0]]], "float32")
    outputs = layer(inputs, np.zeros((1, 1, 1, 2), "float32"))
    second = math.exp(2.0) / (math.exp(1.0) + math.exp(2.0))
    assert float(outputs[0, 0, 0]) == pytest.approx(1.0 + second, abs=1e-6)


def test_attention_ignores_masked_positions():
    layer = SelfAttention(2)
    mask = AttentionMask()(MASK)
    first = hidden()
    second = np.where(MASK[..., None] == 1, first, 99.0).astype("float32")
    outputs = [ops.convert_to_numpy(layer(x, mask)) for x in (first, second)]
    real = MASK == 1
    np.testing.assert_allclose(outputs[0][real], outputs[1][real], atol=1e-6)


def test_attention_wants_heads_that_divide_the_width():
    with pytest.raises(InputError, match="num_heads=3, hidden_dim=8"):
        SelfAttention(3).build((None, None, 8))


def test_positions_start_at_the_offset():
    layer = Embeddings(
        3, 2, max_sequence_length=5, position_offset=2, layer_norm_epsilon=1.0
    )
    ids = np.zeros((1, 2), "int32")
    layer(ids, ids)
    table = np.zeros((5, 2), "float32")
    table[2] = [1.0, -1.0]
    zeros = np.zeros((3, 2)), np.zeros((2, 2))
    layer.token_embedding.assign(zeros[0])
    layer.segment_embedding.assign(zeros[1])
    layer.position_embedding.assign(table)
    outputs = ops.convert_to_numpy(layer(ids, ids))
    expected = 1.0 / math.sqrt(2.0)
    np.testing.assert_allclose(
        outputs[0], [[expected, -expected], [0.0, 0.0]], atol=1e-6
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gelu", 0.8413447460685429),
        ("gelu_approximate", 0.8411919906082768),
        ("relu", 1.0),
    ],
)
def test_feed_forward_applies_the_named_activation(name, expected):
    layer = FeedForward(1, activation=name)
    layer.build((None, None, 1))
    layer.set_weights([np.eye(1), np.zeros(1), np.eye(1), np.zeros(1)])
    outputs = layer(np.ones((1, 1, 1), "float32"))
    assert float(outputs[0, 0, 0]) == pytest.approx(expected, abs=1e-6)


def test_an_unknown_activation_lists_the_known():
    with pytest.raises(InputError, match="gelu, gelu_approximate.*'gleu'"):
        FeedForward(4, activation="gleu")


def test_pooler_by_hand():
    layer = Pooler()
    layer.build((None, None, 2))
    layer.set_weights([np.eye(2), np.array([0.5, 0.0])])
    outputs = layer(np.array([[[0.5, 1.0], [9.0, 9.0]]], "float32"))
    np.testing.assert_allclose(
        ops.convert_to_numpy(outputs), [[math.tanh(1.0)] * 2], atol=1e-6
    )


def test_masked_lm_head_is_tied_to_the_token_table():
    layer = MaskedLMHead(4, 2, activation="linear", layer_norm_epsilon=0.0)
    table = np.array([[1, 0], [0, 1], [1, 1], [0, 0]], "float32")
    values = np.array([[[3.0, 1.0]]], "float32")
    layer(values, table)
    layer.transform_kernel.assign(np.eye(2))
    layer.output_bias.assign([0.0, 0.0, 0.0, 0.25])
    logits = ops.convert_to_numpy(layer(values, table))
    np.testing.assert_allclose(logits[0, 0], [1.0, -1.0, 0.0, 0.25], atol=1e-6)


@pytest.mark.parametrize("name", ["masked_lm_head", "next_sentence_head"])
def test_logits_are_float32_under_mixed_precision(name):
    _, inputs, _ = CASES[name]
    layer = {
        "masked_lm_head": lambda: MaskedLMHead(10, 3, dtype="mixed_bfloat16"),
        "next_sentence_head": lambda: NextSentenceHead(dtype="mixed_bfloat16"),
    }[name]()
    assert keras.backend.standardize_dtype(layer(*inputs).dtype) == "float32"
