"""Masked tokens and pairs: examples, model, losses, saved weights."""

import keras
import numpy as np
import pytest
import small_corpus
import tensorflow as tf

import keras_bert_zoo as zoo
from keras_bert_zoo import testing
from keras_bert_zoo.data import check_examples
from keras_bert_zoo.data import slips_of
from keras_bert_zoo.data.batches import Chunks
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.pretraining.objective import CorpusExamples
from keras_bert_zoo.pretraining.objectives.masked_lm import MaskedLM
from task_heads.classification.head import ClassificationHead

LENGTH = 16
PAIRS = ["none", "next_sentence", "sentence_order"]
# What differs in little between pairs is tried on one kind each time.
pairs_or_none = pytest.mark.parametrize(
    "pairs",
    [
        "next_sentence",
        pytest.param("none", marks=pytest.mark.slow),
        pytest.param("sentence_order", marks=pytest.mark.slow),
    ],
)


def make_model(pairs="next_sentence", **options):
    tokenizer = small_corpus.tokenizer()
    encoder = testing.tiny_encoder(
        tokenizer.vocabulary_size, dropout=0.0, attention_dropout=0.0
    )
    objective = MaskedLM(pairs=pairs, **options)
    return zoo.PretrainingModel(encoder, objective, tokenizer, LENGTH)


def features(model, number=0):
    """Returns the inputs, labels and weights of an epoch as one batch."""
    examples = CorpusExamples(
        small_corpus.corpus(), model.objective, model.tokenizer, LENGTH
    )
    columns = {"first": [], "second": [], "label": []}
    for example in examples.of_pass(number):
        for name, value in example.values.items():
            columns[name].append(value)
    found = model.objective.features(
        {
            "first": tf.ragged.constant(columns["first"], tf.int32),
            "second": tf.ragged.constant(columns["second"], tf.int32),
            "label": tf.constant(columns["label"], tf.int64),
            "random_seed": tf.constant([1, number], tf.int64),
        },
        model.tokenizer,
        LENGTH,
    )
    return found, columns


@pytest.mark.parametrize("pairs", PAIRS)
def test_what_was_hidden_is_asked_for(pairs):
    model = make_model(pairs)
    found, columns = features(model)
    segments = ("first", "second")[: model.objective.num_segments]
    packed = model.tokenizer.pack(
        [tf.ragged.constant(columns[name], tf.int32) for name in segments],
        LENGTH,
    )
    before = packed.token_ids.to_list()
    positions = found.inputs["mask_positions"].to_list()
    originals = found.labels["masked_lm"]
    if pairs != "none":
        assert (
            found.labels["next_sentence"].numpy().tolist() == (columns["label"])
        )
    for row, places, tokens in zip(before, positions, originals.to_list()):
        assert [row[place] for place in places] == tokens
    assert not np.any(found.num_truncated)


def test_epochs_differ_and_have_as_many_examples():
    model = make_model()
    corpus = small_corpus.corpus()
    examples = CorpusExamples(corpus, model.objective, model.tokenizer, LENGTH)

    def ids(number):
        return [
            (example.values["first"].tolist(), example.values["label"])
            for example in examples.of_pass(number)
        ]

    passes = [ids(number) for number in range(6)]
    assert {len(one) for one in passes} == {len(examples)}
    assert (
        passes[0]
        == ids(0)
        == [
            (example.values["first"].tolist(), example.values["label"])
            for example in examples
        ]
    )
    assert all(one != passes[0] for one in passes[1:])


@pytest.mark.slow
@pairs_or_none
def test_training_learns_and_is_measured(pairs):
    corpus = small_corpus.corpus(12)
    train, held_out = corpus.held_out(0.2, seed=0)
    model = make_model(pairs)
    model.compile(learning_rate=3e-3)
    # The same tokens are masked as afterwards; in training others are.
    before = model.evaluate(train, return_dict=True, verbose=0)
    history = model.fit(
        train, epochs=4, validation_data=held_out, batch_size=8, verbose=0
    ).history
    after = model.evaluate(train, return_dict=True, verbose=0)
    assert after["loss"] < before["loss"]
    prefix = "" if pairs == "none" else "masked_lm_"
    wanted = {"loss", f"{prefix}accuracy", f"{prefix}perplexity"}
    if pairs != "none":
        wanted |= {"masked_lm_loss", "next_sentence_loss"}
        wanted.add("next_sentence_accuracy")
    assert wanted == {name for name in history if not name.startswith("val_")}
    scores = model.evaluate(held_out, return_dict=True, verbose=0)
    for name, value in scores.items():
        assert value == pytest.approx(history[f"val_{name}"][-1], rel=1e-5)
    loss = scores["loss"] if pairs == "none" else scores["masked_lm_loss"]
    assert np.exp(loss) == pytest.approx(scores[f"{prefix}perplexity"], 1e-4)


def test_the_loss_is_the_mean_over_hidden_tokens_and_over_pairs():
    model = make_model()
    found, _ = features(model)
    inputs = model.tokenizer.pad(found.inputs, extra=("mask_positions",))
    logits = model(inputs)
    log = {k: tf.nn.log_softmax(v).numpy() for k, v in logits.items()}
    rows = found.labels["masked_lm"].to_list()
    surprises = [
        -log["masked_lm"][row, column, token]
        for row, tokens in enumerate(rows)
        for column, token in enumerate(tokens)
    ]
    labels = found.labels["next_sentence"].numpy()
    of_pairs = -log["next_sentence"][np.arange(len(labels)), labels]
    model.compile()
    data = tf.data.Dataset.from_tensors(
        (
            inputs,
            {
                "masked_lm": found.labels["masked_lm"].to_tensor(),
                "next_sentence": labels,
            },
            {
                "masked_lm": found.weights["masked_lm"].to_tensor(),
                "next_sentence": found.weights["next_sentence"],
            },
        )
    )
    scores = model.evaluate(data, return_dict=True, verbose=0)
    assert scores["masked_lm_loss"] == pytest.approx(
        np.mean(surprises), abs=1e-5
    )
    assert scores["next_sentence_loss"] == pytest.approx(
        np.mean(of_pairs), abs=1e-5
    )
    assert scores["loss"] == pytest.approx(
        np.mean(surprises) + np.mean(of_pairs), abs=1e-5
    )


def test_a_new_model_starts_at_the_frequencies_of_tokens():
    model = make_model("none")
    corpus = small_corpus.corpus()
    examples = CorpusExamples(corpus, model.objective, model.tokenizer, LENGTH)
    model.objective.adapt(model, examples, model.tokenizer)
    bias = model.get_layer("logits").head.output_bias.numpy()
    counts = np.bincount(corpus.token_ids, minlength=len(bias)) + 0.1
    np.testing.assert_allclose(
        tf.nn.softmax(bias), counts / counts.sum(), rtol=1e-4
    )
    # What has learned stays as it is.
    model.get_layer("logits").head.output_bias.assign(bias + 1)
    model.objective.adapt(model, examples, model.tokenizer)
    np.testing.assert_array_equal(
        model.get_layer("logits").head.output_bias, bias + 1
    )


def test_baselines_are_those_of_the_most_frequent_answer():
    model = make_model()
    train, held_out = small_corpus.corpus(12).held_out(0.3, seed=1)
    examples = CorpusExamples(
        held_out, model.objective, model.tokenizer, LENGTH
    )
    found = model.objective.baselines(train.token_counts(), examples)
    most = np.argmax(np.bincount(train.token_ids))
    assert found["masked_lm_accuracy"] == np.mean(held_out.token_ids == most)
    labels = [cut.label for cut in examples.cuts()]
    share = np.mean(labels)
    assert found["next_sentence_accuracy"] == max(share, 1 - share)
    counts = np.bincount(train.token_ids) + 0.1
    surprise = -np.log(counts / counts.sum())[held_out.token_ids].mean()
    assert found["masked_lm_perplexity"] == pytest.approx(
        np.exp(surprise), rel=1e-3
    )


@pytest.mark.slow
@pairs_or_none
def test_a_saved_model_goes_on_as_it_was(pairs, tmp_path):
    corpus = small_corpus.corpus()
    model = make_model(pairs)
    model.compile(learning_rate=3e-3)
    model.fit(corpus, epochs=1, batch_size=8, verbose=0)
    model.save_to_preset(tmp_path / "saved")
    other = zoo.PretrainingModel.from_preset(
        tmp_path / "saved", pairs=pairs, sequence_length=LENGTH
    )
    scores = [
        one.evaluate(corpus, return_dict=True, verbose=0)
        for one in (model, other)
    ]
    assert scores[0] == scores[1]
    # What filled gaps before training does so now.
    filler = zoo.TaskModel.from_preset(tmp_path / "saved")
    answer = filler.predict_text("the cat [MASK] a bird")
    assert filler.head.name == "masked_lm"
    assert len(answer["masks"]) == 1


def test_any_head_learns_on_a_pretrained_encoder(tmp_path):
    model = make_model()
    model.save_to_preset(tmp_path / "saved")
    classifier = zoo.TaskModel.from_preset(
        tmp_path / "saved", head="classification", labels=["a", "b"]
    )
    for ours, theirs in zip(
        model.encoder.get_weights(), classifier.encoder.get_weights()
    ):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
def test_sequences_can_be_packed():
    corpus = small_corpus.corpus()
    models = [make_model(pairs) for pairs in ("none", "next_sentence")]
    for model in models:
        model.compile(keras.optimizers.SGD(0.0))
        whole, packed = (
            model.fit(
                corpus,
                batch_size=8,
                verbose=0,
                packed_length=packed_length,
            ).history["loss"][0]
            for packed_length in (None, 32)
        )
        assert whole == pytest.approx(packed, rel=0.05)
    assert models[0].input_counts.padding_fraction < 0.2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pairs": "both"}, "`pairs` must be one of none, next_sentence"),
        (
            {"mask_unit": "all"},
            "`mask_unit` must be one of tokens, words, spans",
        ),
        ({"mask_rate": 1.0}, "above 0 and below 1"),
        ({"mask_rate": "x"}, "mask_rate"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        MaskedLM(**options)


def test_pairs_need_a_pooler():
    tokenizer = small_corpus.tokenizer()
    encoder = testing.tiny_encoder(tokenizer.vocabulary_size, use_pooler=False)
    with pytest.raises(InputError, match="pooler.*Give pairs=none"):
        zoo.PretrainingModel(encoder, MaskedLM(), tokenizer, LENGTH)
    zoo.PretrainingModel(encoder, MaskedLM(pairs="none"), tokenizer, LENGTH)


def test_examples_need_room_for_both_segments():
    model = make_model()
    with pytest.raises(InputError, match="a token of each segment"):
        CorpusExamples(
            small_corpus.corpus(), model.objective, model.tokenizer, 4
        )


def test_what_is_pretrained_answers_no_texts():
    model = make_model()
    for ask in (
        lambda: model.predict_text("the cat"),
        lambda: model.score([{"text": "the cat"}]),
        lambda: zoo.export(model, "nowhere", "saved_model"),
    ):
        with pytest.raises(InputError, match="makes no predictions"):
            ask()
    with pytest.raises(InputError, match="learns from a `Corpus`"):
        model.fit(["the cat"])


def test_examples_of_tokens_are_not_taken_for_texts_that_are_the_same():
    model = make_model()
    examples = CorpusExamples(
        small_corpus.corpus(), model.objective, model.tokenizer, LENGTH
    )
    assert not slips_of(check_examples(examples, model.objective))


def test_an_objective_may_be_named():
    model = make_model()
    named = zoo.PretrainingModel(model.encoder, "masked_lm", model.tokenizer)
    assert named.objective.get_config() == MaskedLM().get_config()
    for wrong in (None, "nothing", ClassificationHead(["a", "b"])):
        with pytest.raises(InputError, match="objective"):
            zoo.PretrainingModel(model.encoder, wrong, model.tokenizer)


def test_chunks_of_two_passes_differ():
    model = make_model()
    examples = CorpusExamples(
        small_corpus.corpus(), model.objective, model.tokenizer, LENGTH
    )
    chunks = Chunks(
        examples, model.objective, True, unit=4, max_examples=64, seed=3
    )
    passes = [next(chunks._read(number))[0] for number in range(2)]
    assert passes[0]["label"].tolist() != passes[1]["label"].tolist()


@pytest.mark.slow
def test_the_same_seed_trains_the_same_weights():
    corpus = small_corpus.corpus()
    weights = []
    for seed in (1, 1, 2):
        model = make_model()
        model.compile(learning_rate=1e-3)
        model.fit(corpus, epochs=1, batch_size=16, seed=seed, verbose=0)
        weights.append(model.get_weights())
    assert all(map(np.array_equal, weights[0], weights[1]))
    assert not all(map(np.array_equal, weights[0], weights[2]))
