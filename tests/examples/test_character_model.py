"""A tokenizer and an encoder of another family serve every head.

The example plugin has other special tokens, another template and another
padding id than BERT, and an encoder without segment ids.
"""

import importlib.util
import json
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from every_head import HEADS
from every_head import TEXTS

import keras_bert_zoo as zoo
from keras_bert_zoo.registry import encoders
from keras_bert_zoo.registry import tokenizers
from keras_bert_zoo.testing import check_tokenizer
from keras_bert_zoo.tokenization import load_tokenizer
from task_heads.masked_lm.pseudo_log_likelihood import pseudo_log_likelihood

SOURCE = (
    pathlib.Path(__file__).parents[2]
    / "examples/plugin_character_model/character_model.py"
)
# Each reads long texts as the last of `every_head` is: 190 characters.
SEQUENCE_LENGTH = 40
NAMES = ["pair", "tags", "span QA", "masked LM", "several tasks"]


def _with_slow(*names):
    """Returns all heads' names, of which these are no slow tests."""
    return [
        one if one in names else pytest.param(one, marks=pytest.mark.slow)
        for one in NAMES
    ]


QUESTIONS = {
    "pair": [(text, "No") for text in TEXTS],
    "span QA": [("Where ?", text) for text in TEXTS],
    "masked LM": [f"{text} [MASK]." for text in TEXTS],
}


@pytest.fixture(scope="module")
def plugin():
    spec = importlib.util.spec_from_file_location("character_model", SOURCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tokenizers.register("characters", module.CharacterTokenizer)
    encoders.register("characters", module.CharacterEncoder)
    yield module
    tokenizers.unregister("characters")
    encoders.unregister("characters")


@pytest.fixture(scope="module")
def tokenizer(plugin):
    return plugin.CharacterTokenizer(
        "".join(sorted(set("".join([*TEXTS, "Where ?."])) - {" "}))
    )


@pytest.fixture(scope="module")
def trained(request, plugin, tokenizer):
    """A head's model after a pass over three rows, and texts to answer."""
    make_head, rows = HEADS[request.param]
    keras.utils.set_random_seed(3)
    encoder = plugin.CharacterEncoder(
        tokenizer.vocabulary_size,
        num_layers=1,
        num_heads=2,
        hidden_dim=8,
        intermediate_dim=16,
        max_sequence_length=SEQUENCE_LENGTH,
    )
    model = zoo.TaskModel(encoder, make_head(), tokenizer)
    history = model.fit(rows, batch_size=16, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    return model, QUESTIONS.get(request.param, TEXTS)


def test_the_tokenizer_keeps_the_contract(tokenizer):
    check_tokenizer(tokenizer, TEXTS)


def test_a_pair_has_the_familys_template(tokenizer):
    ids = tokenizer.tokenize(["Is", "it"])
    packed = tokenizer.pack([ids[:1], ids[1:]], 9)
    (row,) = packed.token_ids.to_list()
    assert [tokenizer.tokens[one] for one in row] == [
        *["<s>", "I", "s", "</s>", "</s>", "i", "t", "</s>"]
    ]
    padded = tokenizer.pad(packed.inputs, 9)
    assert padded.keys() == {"token_ids", "padding_mask"}
    assert padded["token_ids"][0, -1] == tokenizer.padding_id == 1


def test_words_are_made_of_characters(tokenizer):
    texts = tf.constant(["New York, it."])
    spans = tokenizer.tokenize_with_offsets(texts)
    begins = tokenizer.word_starts(texts, spans).numpy()
    starts = spans.char_starts.flat_values.numpy()[begins]
    assert starts.tolist() == [0, 4, 8, 10, 12]


def test_a_directory_is_recognized(tokenizer, tmp_path):
    tokenizer.save(tmp_path)
    assert load_tokenizer(tmp_path).get_config() == tokenizer.get_config()


def test_a_tokenizer_of_another_family_is_refused(plugin, tokenizer):
    head = HEADS["single label"][0]()
    encoder = zoo.BertEncoder(tokenizer.vocabulary_size, 1, 2, 8, 16)
    with pytest.raises(zoo.InputError, match="segment_ids.*of its family"):
        zoo.TaskModel(encoder, head, tokenizer)


@pytest.mark.parametrize("trained", _with_slow("span QA"), indirect=True)
def test_long_texts_are_split_and_answered(trained):
    model, texts = trained
    extra = {info.name for info in model.head.token_inputs()}
    assert set(model.input) == {"token_ids", "padding_mask", *extra}
    answers = model.predict_text(texts)
    assert len(answers) == len(texts)
    json.dumps(answers)
    if model.head.name == "tagging":
        words = [word for text in TEXTS for word in text.split()]
        assert [w for one in answers for w in one["words"]] == words
    if model.head.name == "span_qa":
        for (_, context), answer in zip(texts, answers):
            for one in answer["candidates"]:
                assert context[one["start"] : one["end"]] == one["text"]
    if model.head.name == "masked_lm":
        for text, answer in zip(texts, answers):
            (gap,) = answer["masks"]
            best = gap["tokens"][0]["token"]
            assert answer["filled_text"] == text.replace("[MASK]", best)
        scored = pseudo_log_likelihood(model, TEXTS[:1])
        assert scored[0]["tokens"] == list(TEXTS[0].replace(" ", ""))


# The exporters compare what they write with the live model.
@pytest.mark.slow
@pytest.mark.parametrize("trained", NAMES, indirect=True)
@pytest.mark.parametrize(
    ("format", "options"),
    [
        ("saved_model", {}),
        ("tflite", {"sequence_length": SEQUENCE_LENGTH}),
    ],
)
def test_exports_equal_the_model(trained, tmp_path, format, options):
    model, _ = trained
    found = zoo.export(model, tmp_path / "artifact", format, **options)
    assert found.manifest["tokenizer"]["name"] == "characters"
    if format == "tflite":
        loaded = load_tokenizer(tmp_path / "artifact")
        assert loaded.description() == model.tokenizer.description()


@pytest.mark.slow
@pytest.mark.parametrize("trained", NAMES, indirect=True)
def test_a_keras_file_holds_the_same_model(trained, tmp_path, plugin):
    model, _ = trained
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    assert isinstance(again.encoder, plugin.CharacterEncoder)
    assert again.tokenizer.get_config() == model.tokenizer.get_config()
    for one, other in zip(model.get_weights(), again.get_weights()):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
@pytest.mark.parametrize("trained", _with_slow("masked LM"), indirect=True)
def test_a_model_directory_gives_the_same_answers(trained, tmp_path, plugin):
    model, texts = trained
    model.save_to_preset(tmp_path / "model")
    again = zoo.TaskModel.from_preset(tmp_path / "model")
    assert isinstance(again.encoder, plugin.CharacterEncoder)
    assert again.tokenizer.get_config() == model.tokenizer.get_config()
    for saved, loaded in zip(model.get_weights(), again.get_weights()):
        np.testing.assert_array_equal(saved, loaded)
    assert again.predict_text(texts[:1]) == model.predict_text(texts[:1])


@pytest.fixture
def saved_encoder(plugin, tokenizer, tmp_path):
    encoder = plugin.CharacterEncoder(
        tokenizer.vocabulary_size, 1, 2, 8, 16, max_sequence_length=9
    )
    zoo.save_preset(encoder, tokenizer, tmp_path / "encoder")
    return encoder, tmp_path / "encoder"


def test_an_encoder_alone_is_saved_and_loaded(saved_encoder, tokenizer):
    encoder, directory = saved_encoder
    again = zoo.load_encoder(directory)
    assert again.get_config() == encoder.get_config()
    for saved, loaded in zip(encoder.get_weights(), again.get_weights()):
        np.testing.assert_array_equal(saved, loaded)
    with pytest.raises(zoo.InputError, match="CharacterEncoder.*load_encoder"):
        zoo.BertEncoder.from_preset(directory)
    with pytest.raises(zoo.InputError, match="hidden_size.*hidden_dim"):
        zoo.load_encoder(directory, hidden_size=4)
    with pytest.raises(zoo.InputError, match="position_embedding.*shape"):
        zoo.load_encoder(directory, max_sequence_length=4)


def _edit(directory, name, **changes):
    """Changes the arguments in a file of a model directory."""
    content = json.loads((directory / name).read_text())
    arguments = content.get("keras_bert_zoo", {}).get("arguments", content)
    arguments.update(changes)
    (directory / name).write_text(json.dumps(content))
    (directory / "task.json").unlink(missing_ok=True)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("vocabulary_size", 10**13, "token_embedding.*10000000000000"),
        ("hidden_dim", 10**8, "token_embedding.*100000000"),
        ("num_layers", 3, "transformer_block_1"),
        ("num_heads", 0, "must state an encoder"),
        ("num_layers", "3", "must state an encoder"),
        ("dtype", "int8_from_float32", "int8_from_float32"),
    ],
)
def test_arguments_of_another_encoder_are_refused(
    saved_encoder, name, value, message
):
    """Before anything is allocated, however large it would be."""
    _, directory = saved_encoder
    _edit(directory, "config.json", **{name: value})
    with pytest.raises(zoo.InputError, match=message):
        zoo.load_encoder(directory)


def test_dropout_that_an_encoder_has_not_is_refused(saved_encoder):
    _, directory = saved_encoder
    with pytest.raises(zoo.InputError, match="Received: dropout. Known: "):
        zoo.TaskModel.from_preset(
            directory,
            "classification",
            labels=["a", "b"],
            encoder_dropout=0.1,
        )


def test_damaged_tokenizer_file_is_refused(saved_encoder):
    _, directory = saved_encoder
    _edit(directory, "characters.json", surprise=1)
    with pytest.raises(zoo.InputError, match="CharacterTokenizer.*surprise"):
        zoo.load_tokenizer(directory)


def test_an_encoder_of_an_absent_package_is_named(saved_encoder, plugin):
    _, directory = saved_encoder
    encoders.unregister("characters")
    try:
        with pytest.raises(zoo.InputError, match="encoder.*'characters'"):
            zoo.load_encoder(directory)
    finally:
        encoders.register("characters", plugin.CharacterEncoder)


def test_an_unregistered_encoder_is_refused(tokenizer, tmp_path):
    inputs = {
        name: keras.Input((None,), dtype="int32", name=name)
        for name in ("token_ids", "padding_mask")
    }
    table = keras.layers.Embedding(tokenizer.vocabulary_size, 8)
    outputs = {"sequence_output": table(inputs["token_ids"])}
    with pytest.raises(zoo.InputError, match="registered.*Functional"):
        zoo.save_preset(
            keras.Model(inputs, outputs), tokenizer, tmp_path / "encoder"
        )
    assert not (tmp_path / "encoder").exists()
