"""Weights in Keras' files, of models whose encoder is frozen or not."""

import every_head
import numpy as np
import pytest

from keras_bert_zoo.task.model import TaskModel


def make_model(head, freeze_encoder):
    plain = every_head.make_model(head())
    return TaskModel(
        plain.encoder,
        plain.head,
        plain.tokenizer,
        freeze_encoder=freeze_encoder,
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["several tasks", "pair", "masked LM"])
@pytest.mark.parametrize("loads_frozen", [False, True])
@pytest.mark.parametrize("frozen", [False, True])
def test_weights_are_read_frozen_or_not(name, frozen, loads_frozen, tmp_path):
    head, _ = every_head.HEADS[name]
    saved, loading = make_model(head, frozen), make_model(head, loads_frozen)
    saved.compile()
    loading.compile()
    saved.save_weights(tmp_path / "model.weights.h5")
    loading.load_weights(tmp_path / "model.weights.h5")
    assert loading.freeze_encoder == loads_frozen
    for ours, theirs in zip(loading.weights, saved.weights, strict=True):
        assert ours.path == theirs.path
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


def test_weights_of_other_sizes_are_refused(tmp_path):
    head, _ = every_head.HEADS["pair"]
    make_model(head, True).save_weights(tmp_path / "model.weights.h5")
    wide = every_head.make_model(head(), hidden_dim=16)
    with pytest.raises(ValueError, match="could not be loaded"):
        wide.load_weights(tmp_path / "model.weights.h5")


def test_reading_weights_trains_no_layer_of_the_encoder(tmp_path):
    head, _ = every_head.HEADS["pair"]
    make_model(head, False).save_weights(tmp_path / "model.weights.h5")
    encoder = make_model(head, True).encoder
    encoder.trainable = False
    encoder.get_layer("embeddings").trainable = True
    model = every_head.make_model(head())
    model = TaskModel(encoder, model.head, model.tokenizer, freeze_encoder=True)
    model.load_weights(tmp_path / "model.weights.h5")
    assert not encoder.trainable
    assert [one.name for one in encoder.layers if one.trainable][-1:] == [
        "embeddings"
    ]
