"""Texts as features, and vectors of each layer."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo.errors import InputError


def test_features_are_the_models_inputs_in_the_order_of_the_texts(
    make_model, texts
):
    model = make_model()
    texts = [
        " ".join([text] * (1 + 5 % (n + 1))) for n, text in enumerate(texts)
    ]
    features = model.encode(tf.constant(texts))
    assert set(features) == set(model.input)
    assert {value.shape[0] for value in features.values()} == {len(texts)}
    scores = keras.ops.softmax(model.predict(features, verbose=0))
    for row, answer in zip(scores, model.predict_text(texts), strict=True):
        assert answer["probability"] == pytest.approx(float(max(row)), abs=1e-5)
    vectors = model.encoder(features)["pooled_output"]
    assert vectors.shape == (len(texts), model.encoder.hidden_dim)


def test_each_layers_output_is_reached_by_name(make_model, texts):
    encoder = make_model().encoder
    features = make_model().encode(texts)
    layers = keras.Model(
        encoder.input,
        [encoder.get_layer("embeddings").output]
        + [
            encoder.get_layer(f"transformer_block_{index}").output
            for index in range(encoder.num_layers)
        ],
    )
    outputs = layers(features)
    assert len(outputs) == encoder.num_layers + 1
    np.testing.assert_allclose(
        outputs[-1], encoder(features)["sequence_output"], atol=1e-6
    )


def test_no_texts_have_no_features(make_model):
    with pytest.raises(InputError, match="at least one example"):
        make_model().encode([])
    with pytest.raises(InputError, match="Texts are taken here"):
        make_model().encode(np.ones((2, 3)))
