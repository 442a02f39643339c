"""Losses that Keras takes on probabilities are taken on logits."""

import keras
import pytest

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.training.optimizers.recipe import OptimizerRecipe


@pytest.mark.slow
@pytest.mark.parametrize(
    "loss",
    [
        "sparse_categorical_crossentropy",
        keras.losses.sparse_categorical_crossentropy,
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    ],
)
def test_a_cross_entropy_by_name_is_the_heads(make_model, texts, labels, loss):
    losses = []
    for given in (loss, "auto"):
        model = make_model()
        model.compile("sgd", given)
        losses.append(model.evaluate(texts, labels, verbose=0)[0])
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        {"loss": keras.losses.SparseCategoricalCrossentropy()},
        {"metrics": [keras.metrics.AUC()]},
    ],
)
def test_what_wants_probabilities_is_refused(make_model, options):
    with pytest.raises(InputError, match=r"Give \w+\(from_logits=True\)"):
        make_model().compile("sgd", **options)


def test_other_losses_and_metrics_are_left_alone(make_model, texts, labels):
    model = make_model()
    model.compile("sgd", metrics=["accuracy"], loss=lambda y, z: z[:, 0] * 0.0)
    assert model.evaluate(texts, labels, verbose=0)[0] == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "callback",
    [
        keras.callbacks.ReduceLROnPlateau(monitor="loss"),
        keras.callbacks.LearningRateScheduler(lambda epoch: 0.1),
    ],
)
def test_a_rate_has_one_master(make_model, texts, labels, callback):
    model = make_model()
    model.compile()
    options = {"callbacks": [callback], "verbose": 0}
    with pytest.raises(InputError, match="follows a schedule or is set by"):
        model.fit(texts, labels, **options)
    model.compile(OptimizerRecipe(schedule="constant", warmup_fraction=0.0))
    model.fit(texts, labels, **options)
