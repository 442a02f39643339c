"""TaskModel: fit, evaluate and predict on everything it takes."""

import dataclasses
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from absl import logging

from keras_bert_zoo.data import FileExamples
from keras_bert_zoo.data import InputCounts
from keras_bert_zoo.data import MemoryExamples
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task import fit_inputs
from keras_bert_zoo.task.model import TaskModel
from keras_bert_zoo.training.optimizers.layerwise import AdamW
from task_heads.classification.head import ClassificationHead
from task_heads.masked_lm.head import MaskedTokenHead


def fit(model, *data, epochs=25, **kwargs):
    model.compile(learning_rate=3e-2)
    return model.fit(*data, epochs=epochs, batch_size=4, verbose=0, **kwargs)


@dataclasses.dataclass
class Fitted:
    """A model after two calls of `fit`, and what they left behind."""

    model: TaskModel
    # Steps of each call: those of its schedule, in warm-up, made.
    steps: list[tuple[int, int, int]]
    # The losses of the first call's epochs, and where it kept the best of them.
    val_losses: list[float]
    best: pathlib.Path


@pytest.fixture(scope="module")
def fitted(make_model, texts, labels, tmp_path_factory):
    model = make_model()
    model.compile(learning_rate=3e-2)
    best = tmp_path_factory.mktemp("fitted") / "best.keras"
    callbacks = [
        keras.callbacks.ModelCheckpoint(
            best, monitor="val_loss", save_best_only=True
        ),
        keras.callbacks.EarlyStopping(patience=1),
    ]
    validated = {"validation_data": (texts, labels), "callbacks": callbacks}
    steps, histories = [], []
    for options in ({"epochs": 2, **validated}, {"epochs": 25}):
        history = model.fit(texts, labels, batch_size=4, verbose=0, **options)
        schedule = model.optimizer._learning_rate
        steps.append(
            (
                schedule.total_steps,
                schedule.warmup_steps,
                int(model.optimizer.iterations),
            )
        )
        histories.append(history.history)
    return Fitted(model, steps, histories[0]["val_loss"], best)


def test_learns_from_texts(fitted, texts, labels):
    answers = fitted.model.predict_text(texts)
    assert [answer["label"] for answer in answers] == labels


@pytest.mark.slow
def test_learns_from_examples_of_a_file(make_model, texts, labels, tmp_path):
    lines = [f"{t}\t{label}" for t, label in zip(texts, labels)]
    path = tmp_path / "train.tsv"
    path.write_text("\n".join(["sentence\tlabel", *lines]) + "\n")
    rows = FileExamples(path, {"text": "sentence", "label": "label"})
    model = make_model()
    fit(model, rows)
    assert model.evaluate(rows, return_dict=True, verbose=0)["accuracy"] == 1.0


@pytest.fixture(scope="module")
def fitted_to_ids(make_model):
    """A model, the optimizer that it was given, and its data."""
    ids = np.random.default_rng(0).integers(5, 20, (8, 6)).astype("int32")
    labels = np.array([0, 1] * 4)
    inputs = {
        "token_ids": ids,
        "segment_ids": np.zeros_like(ids),
        "padding_mask": np.ones_like(ids),
    }
    dataset = tf.data.Dataset.from_tensor_slices((inputs, labels)).batch(4)
    model = make_model()
    optimizer = keras.optimizers.SGD(0.5)
    model.compile(optimizer)
    model.fit(dataset, epochs=25, verbose=0)
    return model, optimizer, inputs, labels


def test_learns_from_a_ready_dataset(fitted_to_ids):
    model, _, inputs, labels = fitted_to_ids
    assert model.evaluate(inputs, labels, return_dict=True, verbose=0)[
        "accuracy"
    ] == pytest.approx(1.0)


@pytest.mark.parametrize("options", [{}, {"tokens_per_batch": 32}])
def test_every_epoch_has_every_text(make_model, texts, labels, options):
    # An endless data set in epochs of a fixed number of batches.
    seen = []
    model = make_model()
    model.compile()
    arguments = fit_inputs.training_data(
        model,
        [" ".join([text] * (1 + i % 3)) for i, text in enumerate(texts)],
        labels,
        3,
        InputCounts(),
        seed=4,
        **options,
    )
    batches = iter(arguments["x"])
    for _ in range(3 if not options else 1):
        epoch = [next(batches) for _ in range(arguments["steps_per_epoch"])]
        seen.append(
            sorted(
                tuple(row[row > 0])
                for batch in epoch
                for row in batch[0]["token_ids"].numpy()
            )
        )
    assert all(len(epoch) == len(texts) for epoch in seen)
    assert all(epoch == seen[0] for epoch in seen)


@pytest.mark.slow
def test_learns_from_pairs(make_model, texts, labels):
    head = ClassificationHead(["bad", "good"], text_pair=True)
    model = make_model(head)
    pairs = [(text, "a film") for text in texts]
    fit(model, pairs, labels)
    answers = model.predict_text(pairs)
    assert [answer["label"] for answer in answers] == labels


def test_answers_follow_the_order_of_the_texts(make_model, texts):
    model = make_model()
    together = model.predict_text(texts * 3, batch_size=5)
    alone = [model.predict_text(text) for text in texts * 3]
    for ours, theirs in zip(together, alone, strict=True):
        assert ours["label"] == theirs["label"]
        assert ours["probability"] == pytest.approx(
            theirs["probability"], abs=1e-6
        )


@pytest.mark.parametrize("name", ["freeze_encoder", "freeze_embeddings"])
def test_what_is_frozen_is_no_text(make_model, name):
    """It would be true, and a saved model that says so is not read."""
    model = make_model()
    parts = model.encoder, model.head, model.tokenizer
    with pytest.raises(InputError, match=f"`{name}` must be True or False"):
        TaskModel(*parts, **{name: "no"})


def test_no_texts_no_answers(make_model):
    assert make_model().predict_text([]) == []


def test_an_empty_text_has_an_answer(make_model):
    assert make_model().predict_text("")["label"] in ("bad", "good")


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights(make_model, texts, labels):
    weights = []
    for _ in range(2):
        model = make_model(dropout=0.0, attention_dropout=0.0)
        keras.utils.set_random_seed(5)
        fit(model, texts, labels, epochs=3, seed=11)
        weights.append(model.get_weights())
    for first, second in zip(*weights):
        np.testing.assert_array_equal(first, second)


@pytest.mark.slow
def test_a_token_budget_makes_epochs_of_known_length(
    make_model, texts, labels, recwarn
):
    # Lengths differ, so that passes differ in their number of batches.
    texts = [" ".join([text] * (1 + i % 7)) for i, text in enumerate(texts * 8)]
    model = make_model(freeze_encoder=True)
    model.compile()
    history = model.fit(
        texts,
        labels * 8,
        epochs=4,
        tokens_per_batch=model.sequence_length,
        steps_per_epoch=None,
        verbose=0,
    )
    steps = model.optimizer._learning_rate.total_steps
    assert steps == int(model.optimizer.iterations) == 4 * (steps // 4)
    assert len(history.history["loss"]) == 4
    assert model.input_counts.num_examples == len(texts)
    assert not [w for w in recwarn if "data ended" in str(w.message)]


def test_each_fit_has_a_schedule_over_its_steps(fitted):
    assert fitted.steps == [(4, 1, 4), (50, 5, 50)]


def test_the_users_optimizer_is_kept(fitted_to_ids):
    model, optimizer, *_ = fitted_to_ids
    assert model.optimizer is optimizer


@pytest.mark.slow
def test_heads_on_one_encoder_train_what_each_needs(make_model):
    whole = make_model()
    encoder, tokenizer = whole.encoder, whole.tokenizer
    head_alone = TaskModel(
        encoder,
        ClassificationHead(["bad", "good"]),
        tokenizer,
        freeze_encoder=True,
    )
    pooler = encoder.get_layer("pooler")
    embeddings = encoder.get_layer("embeddings")
    masked = TaskModel(encoder, MaskedTokenHead(), tokenizer)
    frozen = TaskModel(
        encoder,
        ClassificationHead(["bad", "good"], pooling="mean"),
        tokenizer,
        freeze_embeddings=True,
    )

    def trained(model):
        ours = {id(one) for one in model.trainable_variables}
        assert not ours & {id(one) for one in model.non_trainable_variables}
        assert ours == {id(one) for one in model.trainable_weights}
        return [
            {id(one) for one in layer.weights} <= ours
            for layer in (embeddings, pooler)
        ]

    assert trained(head_alone) == [False, False]
    assert trained(masked) == [True, False]
    assert trained(frozen) == [False, False]
    assert trained(whole) == [True, True]
    before = [layer.get_weights()[0] for layer in (embeddings, pooler)]
    inputs = {name: np.ones((2, 3), "int32") for name in masked.input}
    masked.compile("sgd")
    masked.fit(inputs, np.ones((2, 3)), verbose=0)
    after = [layer.get_weights()[0] for layer in (embeddings, pooler)]
    assert [np.array_equal(a, b) for a, b in zip(before, after)] == [
        False,
        True,
    ]


def test_layers_that_the_user_froze_stay_frozen(make_model):
    model = make_model()
    encoder = model.encoder
    encoder.get_layer("embeddings").trainable = False
    other = TaskModel(encoder, model.head, model.tokenizer)
    names = {one.path for one in other.trainable_variables}
    assert names and not any("embeddings" in name for name in names)
    encoder.trainable = False
    other = TaskModel(encoder, model.head, model.tokenizer)
    assert any("embeddings" in one.path for one in other.trainable_variables)


@dataclasses.dataclass
class Refitted:
    """Models with a frozen encoder: one after `fit`, and one that was loaded
    from its file and fitted again."""

    before: list[np.ndarray]
    model: TaskModel
    twin: TaskModel
    # What each call of `fit` warned of.
    warnings: list[str]


@pytest.fixture(scope="module")
def refitted(make_model, texts, labels, tmp_path_factory):
    def warnings_of_fit(model):
        lines = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                logging,
                "warning",
                lambda form, *values: lines.append(form % values),
            )
            model.fit(texts, labels, batch_size=4, verbose=0)
        return "\n".join(lines)

    path = tmp_path_factory.mktemp("refitted") / "model.keras"
    model = make_model(freeze_encoder=True)
    before = model.encoder.get_weights()
    model.compile()
    warnings = [warnings_of_fit(model)]
    model.save(path)
    twin = keras.saving.load_model(path)
    warnings.append(warnings_of_fit(twin))
    return Refitted(before, model, twin, warnings)


@pytest.mark.slow
def test_a_frozen_encoder_stays_as_it_was(refitted):
    model, twin = refitted.model, refitted.twin
    assert len(twin.trainable_variables) == len(model.trainable_variables) == 2
    assert len(twin.optimizer.variables) == len(model.optimizer.variables)
    for fitted in (model, twin):
        for ours, theirs in zip(
            fitted.encoder.get_weights(), refitted.before, strict=True
        ):
            np.testing.assert_array_equal(ours, theirs)


def test_a_rate_that_has_ended_is_reported(refitted):
    first, second = refitted.warnings
    assert "has ended" not in first
    assert "schedule has ended in an earlier" in second


def moved(model, texts, labels, **options):
    """Returns how far the encoder's first block moves in a short run."""
    block = model.encoder.get_layer("transformer_block_0")
    before = block.get_weights()
    model.compile(learning_rate=1e-2, **options)
    model.fit(texts, labels, batch_size=4, verbose=0)
    return max(
        np.abs(one - other).max()
        for one, other in zip(before, block.get_weights(), strict=True)
    )


@pytest.mark.slow
def test_the_head_is_trained_first_and_then_all(make_model, texts, labels):
    model = make_model(freeze_encoder=True, dropout=0.5)
    assert moved(model, texts, labels) == 0
    model.freeze_encoder = False
    assert moved(model, texts, labels) > 1e-3
    # With dropout, as if it had never been frozen.
    ids = np.array([[2, 5, 3]], "int32")
    inputs = {
        "token_ids": ids,
        "segment_ids": 0 * ids,
        "padding_mask": 0 * ids + 1,
    }
    assert np.any(model(inputs, training=True) != model(inputs, training=False))
    model.freeze_encoder = True
    assert moved(model, texts, labels) == 0
    np.testing.assert_array_equal(
        model(inputs, training=True), model(inputs, training=False)
    )


@pytest.mark.slow
def test_keras_s_own_flag_freezes_and_unfreezes(make_model, texts, labels):
    model = make_model()
    model.encoder.trainable = False
    assert moved(model, texts, labels) == 0
    model.encoder.trainable = True
    assert moved(model, texts, labels) > 1e-3


def test_a_model_that_stays_frozen_says_so(make_model, texts, labels):
    model = make_model(freeze_encoder=True)
    model.compile()
    with pytest.MonkeyPatch.context() as patch:
        lines = []
        patch.setattr(logging, "warning", lines.append)
        model.compile()
    assert "`model.freeze_encoder = False`" in lines[0]


def test_a_frozen_encoder_has_no_dropout(make_model):
    model = make_model(
        ClassificationHead(["bad", "good"], dropout=0.0),
        freeze_encoder=True,
        dropout=0.5,
    )
    ids = np.array([[2, 5, 3]], "int32")
    inputs = {
        "token_ids": ids,
        "segment_ids": 0 * ids,
        "padding_mask": 0 * ids + 1,
    }
    np.testing.assert_array_equal(
        model(inputs, training=True), model(inputs, training=False)
    )


@pytest.mark.slow
def test_a_pooler_that_is_not_read_is_not_trained(
    make_model, texts, labels, recwarn
):
    model = make_model(ClassificationHead(["bad", "good"], pooling="mean"))
    before = model.encoder.get_layer("pooler").get_weights()
    model.compile("sgd")
    model.fit(texts, labels, verbose=0)
    after = model.encoder.get_layer("pooler").get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(before, after))
    assert not any("pooler" in v.path for v in model.trainable_variables)
    assert not any("Gradients do not exist" in str(w) for w in recwarn.list)


@pytest.mark.slow
def test_keras_callbacks_work(fitted, texts, labels):
    twin = keras.saving.load_model(fitted.best)
    assert isinstance(twin, TaskModel)
    best_epoch, rest = divmod(int(twin.optimizer.iterations), 2)
    assert rest == 0
    assert best_epoch == 1 + np.argmin(fitted.val_losses)
    loss = twin.evaluate(texts, labels, return_dict=True, verbose=0)["loss"]
    assert loss == pytest.approx(min(fitted.val_losses), rel=1e-5)
    assert twin.predict_text(texts[0]).keys() == {
        "label",
        "probability",
        "scores",
    }


@pytest.mark.slow
def test_truncated_texts_are_counted_and_reported(
    make_model, texts, labels, caplog
):
    model = make_model(sequence_length=4)
    logging.get_absl_logger().propagate = True
    model.compile("sgd")
    model.fit(texts, labels, verbose=0)
    assert model.input_counts.num_truncated == 6
    message = "Truncated: 6 of 8 texts, longer than 4 tokens."
    assert message in caplog.text


def test_truncated_texts_are_reported_when_answered(make_model, caplog):
    model = make_model(sequence_length=4)
    logging.get_absl_logger().propagate = True
    model.predict_text(["fine", "a fine film"])
    assert "Truncated: 1 of 2 texts, longer than 4 tokens." in caplog.text
    caplog.clear()
    model.predict_text("fine")
    assert not caplog.text
    model.predict_text("a fine film")
    assert "1 of 1 texts" in caplog.text


@pytest.mark.slow
def test_validation_data_may_be_examples(make_model, texts, labels):
    rows = MemoryExamples({"text": texts, "label": labels})
    history = fit(make_model(), rows, epochs=1, validation_data=rows)
    assert "val_accuracy" in history.history


@pytest.mark.parametrize(
    "policy",
    [
        pytest.param("mixed_bfloat16", marks=pytest.mark.slow),
        "mixed_float16",
    ],
)
def test_trains_in_mixed_precision(make_model, texts, labels, policy):
    model = make_model(dtype=policy)
    history = fit(model, texts, labels, epochs=4)
    assert np.isfinite(history.history["loss"]).all()
    scaled = "LossScale" in type(model.optimizer).__name__
    assert scaled == (policy == "mixed_float16")


def test_an_unknown_label_names_its_example(make_model, texts, labels):
    odd = [*labels[:2], "goood", *labels[3:]]
    with pytest.raises(InputError, match="example 3: label 'goood' is not"):
        make_model().fit(texts, odd)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([1, 2], "reads a text per example .text.. Received: 1 of type int"),
        ([("a", "b")], "Give a list of strings"),
        ([b"bytes"], "of type bytes as example 1"),
        (["text", None], "None of type NoneType as example 2"),
    ],
)
def test_texts_of_another_form_are_refused(make_model, texts, message):
    with pytest.raises(InputError, match=message):
        make_model().predict_text(texts)


def test_a_sequence_longer_than_the_encoder_is_refused(make_model):
    with pytest.raises(InputError, match="32 positions.*sequence_length=33"):
        make_model(sequence_length=33)


def test_a_vocabulary_larger_than_the_encoder_is_refused(make_model):
    model = make_model()
    from keras_bert_zoo import testing

    with pytest.raises(InputError, match="vocabulary_size=10"):
        TaskModel(testing.tiny_encoder(10), model.head, model.tokenizer)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"learning_rate": 0.0}, "learning_rate=0.0"),
        ({"weight_decay": -1.0}, "weight_decay=-1.0"),
        ({"warmup_fraction": 1.5}, "warmup_fraction=1.5"),
    ],
)
def test_impossible_training_options_are_refused(make_model, options, message):
    with pytest.raises(InputError, match=message):
        make_model().compile(**options)


def test_metrics_are_counted_once(fitted, texts, labels):
    values = fitted.model.evaluate(texts, labels, verbose=0)
    assert len(values) == 4  # the loss and three metrics


def test_validation_texts_need_labels(make_model, texts, labels):
    with pytest.raises(InputError, match="tuple of 1. Add the labels"):
        make_model().fit(texts, labels, validation_data=(texts,))


@pytest.mark.parametrize(
    "method", ["evaluate", pytest.param("fit", marks=pytest.mark.slow)]
)
def test_what_is_not_compiled_is_where_it_was_made(
    make_model, texts, labels, method
):
    with tf.distribute.OneDeviceStrategy("CPU:0").scope():
        model = make_model()
    getattr(model, method)(texts, labels, verbose=0)
    assert type(model.optimizer) is AdamW
