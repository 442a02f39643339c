"""Encoders in model directories: round trip, and failing half-way."""

import json

import keras
import numpy as np
import pytest
import safetensors

from keras_bert_zoo.encoders.bert import BertEncoder
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.presets import Preset
from keras_bert_zoo.presets import Provenance
from keras_bert_zoo.presets import load_encoder
from keras_bert_zoo.presets import load_tokenizer
from keras_bert_zoo.presets import save_preset
from keras_bert_zoo.tokenization.wordpiece.tokenizer import BertTokenizer
from keras_bert_zoo.tokenization.wordpiece.vocabulary import Vocabulary


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"embedding_dim": 4, "share_layers": True, "position_offset": 2},
        {"use_pooler": False, "activation": "relu", "dropout": 0.2},
        {"layer_norm_epsilon": 1e-5, "num_segments": 3, "num_heads": 4},
        {"activation": "gelu_approximate", "pooling": "mean"},
    ],
    ids=str,
)
def test_encoder_round_trip(make_encoder, tokenizer, tmp_path, options):
    encoder = make_encoder(**options)
    save_preset(encoder, tokenizer, tmp_path / "preset")
    found = load_encoder(tmp_path / "preset")
    expected = {**encoder.get_config(), "name": found.name}
    assert found.get_config() == expected
    for left, right in zip(encoder.weights, found.weights):
        np.testing.assert_array_equal(right, left, err_msg=left.path)


@pytest.mark.parametrize(
    "dtype", ["mixed_bfloat16", "mixed_float16", "bfloat16"]
)
def test_precision_is_kept(make_encoder, tmp_path, dtype):
    save_preset(make_encoder(dtype=dtype), None, tmp_path / "preset")
    found = load_encoder(tmp_path / "preset")
    assert found.dtype_policy.name == dtype


def test_precision_can_be_changed(make_encoder, tmp_path):
    save_preset(make_encoder(), None, tmp_path / "preset")
    found = load_encoder(tmp_path / "preset", dtype="mixed_bfloat16")
    layer = found.get_layer("pooler")
    assert (layer.compute_dtype, layer.kernel.dtype) == ("bfloat16", "float32")


@pytest.mark.parametrize("lowercase", [True, False])
@pytest.mark.parametrize("strip_accents", [None, True, False])
def test_tokenizer_round_trip(make_encoder, tmp_path, lowercase, strip_accents):
    tokens = ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]", "play", "é"]
    vocabulary = Vocabulary(tokens, padding="<pad>", unknown="<unk>")
    tokenizer = BertTokenizer(vocabulary, lowercase, strip_accents)
    save_preset(make_encoder(), tokenizer, tmp_path / "preset")
    found = load_tokenizer(tmp_path / "preset")
    assert found.vocabulary == vocabulary
    assert found.lowercase is lowercase
    assert found.strip_accents is strip_accents


def test_classes_load_through_the_same_door(saved, make_encoder):
    encoder = BertEncoder.from_preset(saved, dropout=0.4)
    assert encoder.get_config()["dropout"] == 0.4
    for left, right in zip(make_encoder().weights, encoder.weights):
        np.testing.assert_array_equal(right, left)
    tokenizer = BertTokenizer.from_preset(saved, engine="graph")
    assert tokenizer.get_config()["engine"] == "graph"
    assert len(tokenizer.vocabulary) == 8


def test_layout(saved):
    files = {
        path.relative_to(saved).as_posix()
        for path in saved.rglob("*")
        if path.is_file()
    }
    assert files == {
        "README.md",
        "config.json",
        "model.safetensors",
        "task.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.txt",
    }
    recorded = json.loads((saved / "task.json").read_text())["sha256"]
    assert set(recorded) == files - {"README.md"}


def test_weights_can_be_left_out(saved):
    (saved / "model.safetensors").unlink()
    encoder = load_encoder(saved, load_weights=False)
    assert encoder.hidden_dim == 8
    assert len(load_tokenizer(saved).vocabulary) == 8


def test_where_weights_come_from_is_kept(make_encoder, tmp_path):
    known = Provenance("someone/bert", "apache-2.0", "fi")
    save_preset(make_encoder(), None, tmp_path / "a", provenance=known)
    assert Preset(tmp_path / "a").provenance == known


def test_name_on_the_hub_is_the_base_model():
    found = Preset("hf:someone/bert@v1").provenance
    assert found == Provenance(base_model="someone/bert")


def test_override_changes_the_encoder(saved):
    encoder = load_encoder(str(saved), dropout=0.4)
    assert encoder.get_config()["dropout"] == 0.4


def test_unknown_override_lists_the_known(saved):
    with pytest.raises(InputError, match="hidden_size. Known: vocabulary_size"):
        load_encoder(saved, hidden_size=8)


@pytest.mark.parametrize(
    "override",
    [
        {"intermediate_dim": 6},
        {"num_layers": 1},
        {"num_heads": 4},
        {"share_layers": True},
    ],
    ids=str,
)
def test_override_of_a_size_is_refused(saved, override):
    (name,) = override
    with pytest.raises(InputError, match=f"cannot change a size .*{name}"):
        load_encoder(saved, **override)


def test_pooler_can_be_left_out(saved):
    encoder = load_encoder(saved, use_pooler=False)
    assert "pooled_output" not in encoder.output


def test_known_name_is_no_directory(saved, monkeypatch):
    saved.rename(saved.parent / "bert_tiny_en_uncased")
    monkeypatch.chdir(saved.parent)
    encoder = load_encoder("bert_tiny_en_uncased", load_weights=False)
    assert encoder.hidden_dim == 128
    assert load_encoder("./bert_tiny_en_uncased").hidden_dim == 8


def test_unknown_name_may_be_a_directory(saved, monkeypatch):
    monkeypatch.chdir(saved.parent)
    assert load_encoder("preset").hidden_dim == 8


def test_absent_directory_is_refused(tmp_path):
    with pytest.raises(InputError, match="nowhere: nothing there"):
        load_encoder(tmp_path / "nowhere")


def test_existing_directory_is_kept(saved, make_encoder):
    before = (saved / "model.safetensors").read_bytes()
    with pytest.raises(InputError, match="is not overwritten"):
        save_preset(make_encoder(), None, saved)
    assert (saved / "model.safetensors").read_bytes() == before


@pytest.mark.parametrize(
    ("place", "error"),
    [
        ("pathlib.Path.write_text", OSError(28, "No space left on device")),
        (
            "safetensors.numpy.save_file",
            safetensors.SafetensorError("No space left on device"),
        ),
    ],
)
def test_failed_save_keeps_the_previous_preset(
    saved, make_encoder, monkeypatch, place, error
):
    before = {
        path: path.read_bytes() for path in saved.rglob("*") if path.is_file()
    }

    def full_disk(*arguments, **options):
        raise error

    encoder = make_encoder(num_layers=1)
    monkeypatch.setattr(place, full_disk)
    with pytest.raises(OSError, match="No space left"):
        save_preset(encoder, None, saved, overwrite=True)
    assert [path.name for path in saved.parent.iterdir()] == ["preset"]
    assert {path: path.read_bytes() for path in before} == before


def test_other_models_are_refused(tmp_path):
    model = keras.Sequential([keras.layers.Dense(1)])
    with pytest.raises(InputError, match="registered. Received: Sequential"):
        save_preset(model, None, tmp_path / "preset")
    assert list(tmp_path.iterdir()) == []


def test_a_vocabulary_beyond_the_table_is_not_saved(
    make_encoder, tokenizer, tmp_path
):
    encoder = make_encoder(vocabulary_size=7)
    with pytest.raises(InputError, match="8 tokens for 7 rows"):
        save_preset(encoder, tokenizer, tmp_path / "preset")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_tokenizer_is_not_saved(make_encoder, tmp_path):
    with pytest.raises(InputError, match="`Tokenizer`.*Received: 'bert'"):
        save_preset(make_encoder(), "bert", tmp_path / "preset")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("preset", [None, 3, b"bert"])
def test_what_is_no_preset_is_refused(preset):
    with pytest.raises(InputError, match="A preset is the name or the path"):
        load_encoder(preset)


def test_whether_weights_are_loaded_is_no_text(saved):
    with pytest.raises(InputError, match="`load_weights` must be True or"):
        load_encoder(saved, load_weights="no")


def test_weights_that_are_read_are_not_drawn(saved, monkeypatch):
    def draw(self, *args, **kwargs):
        raise AssertionError("a random weight was drawn")

    with monkeypatch.context() as patched:
        patched.setattr(keras.initializers.TruncatedNormal, "__call__", draw)
        load_encoder(saved)
    drawn = load_encoder(saved, load_weights=False)
    assert np.std(drawn.token_embedding) > 0
