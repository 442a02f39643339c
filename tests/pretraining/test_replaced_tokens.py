"""Replaced tokens: what is drawn, what is told apart, what is learned."""

import numpy as np
import pytest
import small_corpus
import tensorflow as tf

import keras_bert_zoo as zoo
from keras_bert_zoo import data
from keras_bert_zoo import testing
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.pretraining.objective import CorpusExamples
from keras_bert_zoo.pretraining.objectives.replaced_tokens import NUM_DRAWS
from keras_bert_zoo.pretraining.objectives.replaced_tokens import FillIn
from keras_bert_zoo.pretraining.objectives.replaced_tokens import ReplacedTokens

LENGTH = 24


def make_model(**options):
    tokenizer = small_corpus.tokenizer()
    encoder = testing.tiny_encoder(
        tokenizer.vocabulary_size, hidden_dim=16, dropout=0.0
    )
    return zoo.PretrainingModel(
        encoder, ReplacedTokens(**options), tokenizer, LENGTH
    )


def first_batch(model):
    examples = CorpusExamples(
        small_corpus.corpus(), model.objective, model.tokenizer, LENGTH
    )
    dataset = data.build_dataset(
        examples,
        model.objective,
        model.tokenizer,
        sequence_length=LENGTH,
        batch_size=16,
    )
    return next(iter(dataset))


def test_draws_follow_the_chances():
    chances = np.array([0.5, 0.0, 0.3, 0.2])
    draws = np.linspace(0, NUM_DRAWS - 1, 10_000).astype("int32")[None]
    size = draws.shape[1]
    filled = FillIn()(
        np.zeros((1, size), "int32"),
        np.broadcast_to(np.log(chances + 1e-30), (1, size, 4)),
        np.arange(size, dtype="int32")[None],
        np.ones((1, size), "int32"),
        draws,
    )
    shares = np.bincount(filled["token_ids"][0], minlength=4) / size
    np.testing.assert_allclose(shares, chances, atol=2e-4)


@pytest.mark.slow
def test_what_is_drawn_right_is_not_replaced():
    model = make_model()
    inputs, labels, weights = first_batch(model)
    logits = model(inputs)
    targets = logits["replaced_tokens"][..., 1].numpy()
    assert set(np.unique(targets)) <= {0.0, 1.0}
    asked = np.zeros(targets.shape, bool)
    for row, (places, originals) in enumerate(
        zip(inputs["mask_positions"], inputs["mask_originals"], strict=True)
    ):
        asked[row, places.numpy()[originals.numpy() > 0]] = True
    # Others are as they were, the first token, where padding points to, too.
    assert not targets[~asked].any()
    assert 0.3 < targets[asked].mean() <= 1
    np.testing.assert_array_equal(
        weights["replaced_tokens"] > 0, inputs["padding_mask"] > 0
    )


def test_the_loss_is_the_weighted_sum_of_both():
    model = make_model()
    inputs, labels, weights = first_batch(model)
    logits = {k: v.numpy() for k, v in model(inputs).items()}
    log = tf.nn.log_softmax(logits["generator"]).numpy()
    surprise = -np.take_along_axis(
        log, labels["generator"].numpy()[..., None], -1
    )[..., 0]
    of_tokens = weights["generator"].numpy()
    expected = np.sum(surprise * of_tokens) / of_tokens.sum()
    logit, target = np.moveaxis(logits["replaced_tokens"], -1, 0)
    cross = tf.nn.sigmoid_cross_entropy_with_logits(target, logit).numpy()
    mask = weights["replaced_tokens"].numpy()
    expected_replaced = np.sum(cross * mask) / mask.sum()
    model.compile()
    found = model.evaluate(
        tf.data.Dataset.from_tensors((inputs, labels, weights)),
        return_dict=True,
        verbose=0,
    )
    assert found["generator_loss"] == pytest.approx(expected, abs=1e-5)
    assert found["replaced_tokens_loss"] == pytest.approx(
        expected_replaced, abs=1e-5
    )
    assert found["loss"] == pytest.approx(
        expected + 50 * expected_replaced, rel=1e-5
    )
    right = (logit > 0) == (target > 0.5)
    assert found["replaced_tokens_accuracy"] == pytest.approx(
        np.sum(right * mask) / mask.sum(), abs=1e-6
    )


@pytest.mark.slow
def test_the_generator_learns_from_its_own_loss_alone():
    model = make_model()
    inputs, labels, weights = first_batch(model)
    with tf.GradientTape() as tape:
        replaced = model(inputs)["replaced_tokens"][..., 0]
        loss = tf.reduce_sum(replaced**2)
    generator = [v for v in model.trainable_variables if "generator" in v.path]
    assert len(generator) > 10
    gradients = tape.gradient(loss, [v.value for v in generator])
    assert all(gradient is None for gradient in gradients)


@pytest.mark.slow
def test_training_learns_and_the_encoder_is_saved(tmp_path):
    train, held_out = small_corpus.corpus(20).held_out(0.2, seed=0)
    model = make_model(mask_rate=0.3, mask_unit="words", generator_size=0.5)
    model.compile(learning_rate=1e-2)
    history = model.fit(
        train, epochs=6, batch_size=8, validation_data=held_out, verbose=0
    ).history
    assert history["loss"][-1] < 0.95 * history["loss"][0]
    assert history["generator_loss"][-1] < history["generator_loss"][0]
    model.save_to_preset(tmp_path / "saved")
    classifier = zoo.TaskModel.from_preset(
        tmp_path / "saved", head="classification", labels=["a", "b"]
    )
    for ours, theirs in zip(
        model.encoder.get_weights(), classifier.encoder.get_weights()
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_the_embeddings_are_one_table():
    model = make_model()
    tables = [
        v for v in model.trainable_variables if "token_embedding" in v.path
    ]
    assert len(tables) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mask_unit": "all"}, "`mask_unit` must be one of"),
        ({"mask_rate": 0}, "`mask_rate` must be above 0"),
        ({"generator_size": 1.5}, "`generator_size` must be above 0"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        ReplacedTokens(**options)
