"""The encoder: outputs, padding, config, precision, other backends."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_bert_zoo.encoders.bert import BertEncoder
from keras_bert_zoo.errors import InputError

SIZES = {
    "vocabulary_size": 20,
    "num_layers": 2,
    "num_heads": 2,
    "hidden_dim": 8,
    "intermediate_dim": 16,
    "max_sequence_length": 16,
    "initializer_range": 0.2,
}


def encoder(**overrides):
    keras.utils.set_random_seed(1)
    return BertEncoder(**{**SIZES, **overrides})


def batch(length=5, padding=0):
    ids = np.arange(1, 2 * length + 1).reshape(2, length) % 19 + 1
    width = ((0, 0), (0, padding))
    return {
        "token_ids": np.pad(ids, width),
        "segment_ids": np.pad(np.zeros_like(ids), width),
        "padding_mask": np.pad(np.ones_like(ids), width),
    }


def test_outputs_have_the_stated_names_and_shapes():
    outputs = encoder()(batch())
    shapes = {key: tuple(value.shape) for key, value in outputs.items()}
    assert shapes == {"sequence_output": (2, 5, 8), "pooled_output": (2, 8)}


def test_padding_does_not_change_real_tokens():
    model = encoder()
    short = ops.convert_to_numpy(model(batch())["sequence_output"])
    long = ops.convert_to_numpy(model(batch(padding=7))["sequence_output"])
    np.testing.assert_allclose(long[:, :5], short, atol=1e-6)


def test_the_pooler_can_be_left_out():
    model = encoder(use_pooler=False)
    assert set(model(batch())) == {"sequence_output"}
    assert not any("pooler" in weight.path for weight in model.weights)


def test_shared_layers_are_one_block():
    shared = encoder(share_layers=True, num_layers=3)
    blocks = {
        weight.path.split("/")[0]
        for weight in shared.trainable_weights
        if weight.path.startswith("transformer_block")
    }
    assert blocks == {"transformer_block_0"}
    single = encoder(num_layers=1)
    single.set_weights(shared.get_weights())
    assert not np.allclose(
        ops.convert_to_numpy(shared(batch())["sequence_output"]),
        ops.convert_to_numpy(single(batch())["sequence_output"]),
    )


def test_config_round_trip_gives_the_same_outputs():
    model = encoder(embedding_dim=4)
    twin = BertEncoder.from_config(model.get_config())
    twin.set_weights(model.get_weights())
    for key, value in model(batch()).items():
        np.testing.assert_array_equal(
            ops.convert_to_numpy(twin(batch())[key]),
            ops.convert_to_numpy(value),
        )


def test_keras_file_round_trip(tmp_path):
    model = encoder()
    model.save(tmp_path / "encoder.keras")
    twin = keras.saving.load_model(tmp_path / "encoder.keras")
    np.testing.assert_array_equal(
        ops.convert_to_numpy(twin(batch())["pooled_output"]),
        ops.convert_to_numpy(model(batch())["pooled_output"]),
    )


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_stays_close_to_float32(policy):
    exact = encoder()
    mixed = encoder(dtype=policy)
    mixed.set_weights(exact.get_weights())
    outputs = mixed(batch(padding=3))["sequence_output"]
    assert keras.backend.standardize_dtype(outputs.dtype) == (
        policy.removeprefix("mixed_")
    )
    np.testing.assert_allclose(
        ops.convert_to_numpy(ops.cast(outputs, "float32"))[:, :5],
        ops.convert_to_numpy(exact(batch())["sequence_output"]),
        atol=0.1,
    )


def test_weights_are_float32_under_mixed_precision():
    weights = encoder(dtype="mixed_bfloat16").trainable_weights
    assert {str(weight.dtype) for weight in weights} == {"float32"}


def test_the_offset_shortens_the_longest_sequence():
    model = encoder(position_offset=2)
    assert model.max_sequence_length == 14


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"num_layers": 0}, "positive integer. Received: num_layers=0"),
        ({"hidden_dim": 9}, "num_heads=2, hidden_dim=9"),
        ({"dropout": 1.0}, "below 1. Received: dropout=1.0"),
    ],
)
def test_impossible_sizes_are_refused(overrides, message):
    with pytest.raises(InputError, match=message):
        encoder(**overrides)
