"""The chain of tags: against all taggings counted one by one, and in use."""

import functools
import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from keras_bert_zoo import testing
from keras_bert_zoo.data import MemoryExamples
from keras_bert_zoo.task.model import TaskModel
from keras_bert_zoo.workflows.export import export
from task_heads.tagging import crf
from task_heads.tagging.crf import CrfLoss
from task_heads.tagging.crf import TransitionScores
from task_heads.tagging.head import TaggingHead
from task_heads.tagging.metrics import WordAccuracy
from task_heads.tagging.outputs import CrfOutput
from task_heads.tagging.outputs import SoftmaxOutput

NUM_TAGS = 3
# All words, gaps at the edges and within, one word, none.
IS_WORD = np.array(
    [
        [1, 1, 1, 1, 1],
        [0, 1, 0, 1, 0],
        [0, 0, 1, 1, 1],
        [0, 0, 1, 0, 0],
        [0, 0, 0, 0, 0],
    ],
    bool,
)


def potentials(seed=0, scale=2.0):
    shape = (*IS_WORD.shape, NUM_TAGS + 1, NUM_TAGS)
    values = np.random.default_rng(seed).normal(0.0, scale, shape)
    return values.astype("float32")


def all_taggings(values, is_word):
    """Returns tags of the words -> sum of their potentials."""
    places = np.flatnonzero(is_word)
    scores = {}
    for tags in itertools.product(range(NUM_TAGS), repeat=len(places)):
        rows = [0, *(tag + 1 for tag in tags)]
        scores[tags] = sum(
            values[place, row, tag]
            for place, row, tag in zip(places, rows, tags)
        )
    return scores


@functools.cache
def computed(function, seed=0):
    """Returns what a function makes of all rows, as arrays."""
    found = function(potentials(seed), IS_WORD)
    return keras.tree.map_structure(ops.convert_to_numpy, found)


@pytest.mark.parametrize("row", range(len(IS_WORD)))
@pytest.mark.parametrize("seed", range(3))
def test_the_partition_sums_over_all_taggings(row, seed):
    scores = all_taggings(potentials(seed)[row], IS_WORD[row])
    found = computed(crf.pair_marginals, seed)[1]
    expected = np.log(np.sum(np.exp(list(scores.values()))))
    assert found[row] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("row", range(len(IS_WORD)))
@pytest.mark.parametrize("seed", range(3))
def test_the_best_path_is_the_best_of_all_taggings(row, seed):
    scores = all_taggings(potentials(seed)[row], IS_WORD[row])
    found = computed(crf.best_path, seed)[row]
    assert tuple(found[IS_WORD[row]]) == max(scores, key=scores.get)
    assert not found[~IS_WORD[row]].any()


@pytest.mark.parametrize("row", range(len(IS_WORD)))
def test_marginals_are_fractions_of_all_taggings(row):
    scores = all_taggings(potentials()[row], IS_WORD[row])
    expected = np.zeros((IS_WORD.shape[1], NUM_TAGS))
    total = np.sum(np.exp(list(scores.values())))
    for tags, score in scores.items():
        for place, tag in zip(np.flatnonzero(IS_WORD[row]), tags):
            expected[place, tag] += np.exp(score) / total
    found = computed(crf.marginals)
    np.testing.assert_allclose(found[row], expected, atol=1e-5)


def test_long_texts_lose_no_digits():
    values = np.tile(potentials(), (1, 400, 1, 1))
    is_word = np.tile(IS_WORD, (1, 400))
    found = tf.function(crf.marginals)(values, is_word).numpy()
    np.testing.assert_allclose(found.sum(axis=-1), is_word, atol=1e-6)
    # The same chain, repeated, is the same in its middle.
    np.testing.assert_allclose(found[:, 900:905], found[:, 905:910], atol=1e-6)


def test_the_loss_is_the_likelihood_of_the_tags_per_word():
    values = potentials()
    tags = np.random.default_rng(1).integers(0, NUM_TAGS, IS_WORD.shape)
    expected = 0.0
    for row, is_word in enumerate(IS_WORD):
        scores = all_taggings(values[row], is_word)
        right = scores[tuple(tags[row][is_word])]
        expected += np.log(np.sum(np.exp(list(scores.values())))) - right
    found = CrfLoss()(tags, values, IS_WORD.astype("float32"))
    assert float(found) == pytest.approx(expected / IS_WORD.sum(), abs=1e-5)


def test_the_gradient_is_that_of_the_loss():
    values = potentials()
    tags = np.random.default_rng(1).integers(0, NUM_TAGS, IS_WORD.shape)
    weights = IS_WORD.astype("float32")
    with tf.GradientTape() as tape:
        variable = tf.Variable(values)
        loss = CrfLoss()(tags, variable, weights)
    gradient = tape.gradient(loss, variable).numpy()
    for seed in range(3):
        step = 0.05 * potentials(seed + 7, scale=1.0)
        up, down = (
            float(CrfLoss()(tags, values + sign * step, weights))
            for sign in (1, -1)
        )
        change = 2 * float(np.sum(gradient * step))
        assert change == pytest.approx(up - down, rel=0.02, abs=1e-4)


@pytest.mark.parametrize("scale", [0.0, 1e4])
def test_the_gradient_is_finite_whatever_the_scores(scale):
    variable = tf.Variable(potentials(scale=scale))
    tags = np.zeros(IS_WORD.shape, "int32")
    with tf.GradientTape() as tape:
        loss = CrfLoss()(tags, variable, IS_WORD.astype("float32"))
    assert np.isfinite(loss.numpy())
    assert np.isfinite(tape.gradient(loss, variable).numpy()).all()


def test_without_transitions_the_loss_is_that_of_single_words():
    logits = potentials()[:, :, 0]
    tags = np.random.default_rng(1).integers(0, NUM_TAGS, IS_WORD.shape)
    weights = IS_WORD.astype("float32")
    expected = SoftmaxOutput().loss()(tags, logits, weights)
    found = CrfLoss()(tags, TransitionScores()(logits), weights)
    assert float(found) == pytest.approx(float(expected), abs=1e-5)


def test_tokens_that_are_no_words_do_not_count():
    values, tags = potentials(), np.zeros(IS_WORD.shape, "int32")
    weights = IS_WORD.astype("float32")
    other_values = np.where(IS_WORD[..., None, None], values, 5.0)
    other_tags = np.where(IS_WORD, tags, 2)
    assert float(CrfLoss()(tags, values, weights)) == pytest.approx(
        float(CrfLoss()(other_tags, other_values.astype("float32"), weights))
    )


def test_sequences_may_weigh_as_a_whole():
    values, tags = potentials(), np.zeros(IS_WORD.shape, "int32")
    weights = np.zeros(len(IS_WORD), "float32")
    weights[1] = 1.0
    assert float(CrfLoss()(tags, values, weights)) == pytest.approx(
        float(CrfLoss()(tags[1:2], values[1:2]))
    )


def test_loss_and_path_compile_under_xla():
    values, tags = potentials(), np.ones(IS_WORD.shape, "int32")

    def run(values):
        with tf.GradientTape() as tape:
            tape.watch(values)
            loss = CrfLoss()(tags, values, IS_WORD.astype("float32"))
        return (
            loss,
            tape.gradient(loss, values),
            crf.best_path(values, IS_WORD),
        )

    plain = run(tf.constant(values))
    compiled = tf.function(run, jit_compile=True)(tf.constant(values))
    for one, other in zip(plain, compiled):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_texts_without_words_are_read():
    exists = tf.RaggedTensor.from_row_lengths(tf.zeros([0], tf.bool), [0, 0])
    nothing = tf.zeros([0, NUM_TAGS + 1, NUM_TAGS])
    best, probabilities = CrfOutput().read_words(nothing, exists)
    assert best.shape == probabilities.shape == (0,)


def test_transition_scores_by_hand():
    layer = TransitionScores(scale=2.0)
    logits = np.array([[[1.0, 2.0]]], "float32")
    assert layer(logits).shape == (1, 1, 3, 2)
    layer.set_weights([np.array([[0, 0], [1, 0], [0, 3]], "float32")])
    twin = TransitionScores.from_config(layer.get_config())
    twin.build(logits.shape)
    twin.set_weights(layer.get_weights())
    assert ops.convert_to_numpy(twin(logits)).tolist() == [
        [[[1.0, 2.0], [3.0, 2.0], [1.0, 8.0]]]
    ]


def test_accuracy_counts_words_alone():
    metric = WordAccuracy()
    tags = np.array([[0, 1, 0], [1, 0, 0]])
    logits = np.eye(2, dtype="float32")[np.array([[0, 0, 1], [1, 1, 1]])]
    metric.update_state(tags, logits, np.array([[1.0, 1, 0], [1, 0, 0]]))
    assert float(metric.result()) == pytest.approx(2 / 3)


# What a model alone cannot know: "bb" goes on with whatever "aa" or "dd" began.
TOKENS = [["aa", "cc", "bb", "bb"], ["dd", "cc", "bb"], ["cc", "dd", "bb"]]
TAGS = [
    ["B-x", "O", "O", "O"],
    ["B-y", "O", "O"],
    ["O", "B-y", "I-y"],
]
LABELS = ["O", "B-x", "I-x", "B-y", "I-y"]


@pytest.fixture(scope="module")
def trained():
    tokenizer = testing.tiny_tokenizer(["aa bb cc dd"])
    keras.utils.set_random_seed(3)
    model = TaskModel(
        testing.tiny_encoder(
            len(tokenizer.vocabulary), dropout=0.0, attention_dropout=0.0
        ),
        TaggingHead(LABELS, dropout=0.0, crf=True),
        tokenizer,
    )
    model.compile(learning_rate=0.02, weight_decay=0.0)
    data = MemoryExamples({"tokens": TOKENS * 20, "tags": TAGS * 20})
    model.fit(data, batch_size=8, epochs=10, verbose=0)
    return model


@pytest.mark.slow
def test_transitions_are_learned_saved_and_loaded(trained, tmp_path):
    (table,) = trained.get_layer("transition_scores").get_weights()
    places = [LABELS.index(tag) for tag in ("B-y", "I-x", "I-y")]
    assert table[places[0] + 1, places[2]] > table[places[0] + 1, places[1]]
    trained.save_to_preset(tmp_path / "model")
    loaded = TaskModel.from_preset(tmp_path / "model")
    assert loaded.head.crf
    np.testing.assert_array_equal(
        loaded.get_layer("transition_scores").get_weights()[0], table
    )


@pytest.mark.slow
def test_a_text_is_read_as_one_across_its_windows(trained):
    head, tokenizer = trained.head, trained.tokenizer
    tokens = ["aa", "cc", "bb", "bb", "dd", "bb", "cc", "dd"] * 3
    example = {"text": tf.constant([" ".join(tokens)])}
    # Potentials that depend on the word alone, so that slicing cuts nothing.
    shape = (len(tokenizer.vocabulary), len(LABELS) + 1, len(LABELS))
    table = np.random.default_rng(2).normal(size=shape).astype("float32")

    def decoded(sequence_length):
        found = head.features(example, tokenizer, sequence_length)
        values = tf.gather(table, found.inputs["token_ids"].to_tensor())
        answers = head.decode_texts(values, found.decoding_context())
        return int(found.num_sequences[0]), answers

    (num_windows, split), (one, whole) = decoded(6), decoded(32)
    assert num_windows > 2
    assert one == 1
    assert split["tag"].numpy().tolist() == whole["tag"].numpy().tolist()
    np.testing.assert_allclose(split["score"], whole["score"], atol=1e-5)


@pytest.mark.slow
def test_the_tflite_file_gives_potentials(trained, tmp_path):
    export(trained, tmp_path / "m", format="tflite")
    run = tf.lite.Interpreter(
        str(tmp_path / "m" / "model.tflite")
    ).get_signature_runner("tokens_32")
    ((name, detail),) = run.get_output_details().items()
    assert name == "potentials"
    assert detail["shape"].tolist() == [1, 32, 6, 5]


@pytest.mark.slow
def test_a_chain_is_no_published_head(trained):
    assert trained.head.get_weights(trained) is None
