"""Preset directories that are incomplete, damaged or of another kind."""

import json

import h5py
import pytest

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.presets import load_encoder
from keras_bert_zoo.presets import load_tokenizer
from keras_bert_zoo.presets import save_preset


def edit(path, change):
    """Changes a JSON file, and forgets the hashes."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    (path.parent / "metadata.json").unlink(missing_ok=True)


@pytest.mark.parametrize(
    "name", ["config.json", "model.weights.h5", "assets/tokenizer/vocab.txt"]
)
def test_missing_file_is_named(saved, name):
    (saved / name).unlink()
    with pytest.raises(InputError, match=name):
        load_encoder(saved)


@pytest.mark.parametrize("hashed", [True, False])
@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.5, 0.95])
def test_truncated_weights_are_refused(saved, fraction, hashed):
    path = saved / "model.weights.h5"
    content = path.read_bytes()
    path.write_bytes(content[: int(fraction * len(content))])
    if not hashed:
        (saved / "metadata.json").unlink()
    with pytest.raises(InputError, match="model.weights.h5 must"):
        load_encoder(saved)


@pytest.mark.parametrize(
    "options",
    [
        {"chunks": True, "compression": "gzip"},
        {"chunks": True},
        {"external": [("numbers", 0, h5py.h5f.UNLIMITED)]},
    ],
)
def test_weights_that_are_not_in_the_file_are_refused(saved, options):
    # A file of some bytes could otherwise ask for an encoder of any size.
    with h5py.File(saved / "model.weights.h5", "r+") as store:
        names = []
        store.visititems(
            lambda name, item: (
                names.append(name)
                if isinstance(item, h5py.Dataset) and item.ndim == 2
                else None
            )
        )
        shape = store[names[0]].shape
        del store[names[0]]
        store.create_dataset(names[0], shape, "float32", **options)
    (saved / "metadata.json").unlink()
    with pytest.raises(InputError, match="must hold all numbers itself"):
        load_encoder(saved)


def test_changed_weights_are_refused(saved):
    path = saved / "model.weights.h5"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="must have the SHA-256 that metadata"):
        load_encoder(saved)


def test_changed_vocabulary_is_refused(saved):
    path = saved / "assets/tokenizer/vocab.txt"
    path.write_text(path.read_text().replace("play", "plan"))
    with pytest.raises(InputError, match="must have the SHA-256 that metadata"):
        load_tokenizer(saved)


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname"])
def test_metadata_cannot_point_elsewhere(saved, name):
    path = saved / "metadata.json"
    path.write_text(json.dumps({"sha256": {name: "0"}}))
    with pytest.raises(InputError, match="must name files of the preset"):
        load_encoder(saved)


@pytest.mark.parametrize("num_layers", [1, 3])
def test_weights_of_another_encoder_are_refused(
    saved, make_encoder, num_layers
):
    encoder = make_encoder(num_layers=num_layers)
    encoder.save_weights(saved / "model.weights.h5")
    (saved / "metadata.json").unlink()
    with pytest.raises(InputError, match="parameters. Received: .* belongs to"):
        load_encoder(saved)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_layers": 0}, "`num_layers` must be an integer from 1"),
        ({"vocabulary_size": 10**15}, "`vocabulary_size` must be an integer"),
        ({"hidden_dim": 8.5}, "`hidden_dim` must be an integer"),
        ({"num_heads": 3}, "`num_heads` must divide `hidden_dim`"),
        ({"surprise": 1}, "missing or unknown surprise"),
        ({"activation": "mish"}, "must state an encoder. Received"),
        ({"dropout": 2.0}, "`dropout` must be a number from 0"),
        ({"dtype": "float9"}, "must state an encoder. Received"),
        ({"dtype": {"module": "os"}}, "`dtype` must be a name"),
    ],
    ids=lambda value: str(value),
)
def test_bad_config_is_refused(saved, change, message):
    edit(
        saved / "config.json",
        lambda content: content["config"].update(change),
    )
    with pytest.raises(InputError, match=message):
        load_encoder(saved, load_weights=False)


def test_missing_argument_is_named(saved):
    edit(
        saved / "config.json", lambda content: content["config"].pop("dropout")
    )
    with pytest.raises(InputError, match="missing or unknown dropout"):
        load_encoder(saved)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "must be JSON in UTF-8"),
        (b"\xff{}", "must be JSON in UTF-8"),
        (b"[" * 100_000, "must be JSON in UTF-8"),
        (b"[]", "must hold a JSON object. Received: a list"),
        (b'{"model_type": "bert"}', "becomes a preset with `bert-zoo convert`"),
        (
            b'{"format": "keras_bert_zoo.encoder", "format_version": 99}',
            "must be of format version 1. Received: 99",
        ),
    ],
    ids=["cut", "not UTF-8", "deep", "list", "Hugging Face", "newer"],
)
def test_other_config_file_is_refused(saved, content, message):
    (saved / "config.json").write_bytes(content)
    with pytest.raises(InputError, match=message):
        load_encoder(saved)


def test_preset_without_tokenizer_says_so(make_encoder, tmp_path):
    save_preset(make_encoder(), None, tmp_path / "preset")
    with pytest.raises(InputError, match="a preset without a tokenizer"):
        load_tokenizer(tmp_path / "preset")


@pytest.mark.parametrize(
    "change",
    [
        {"special_tokens": {"colour": "[PAD]"}},
        {"special_tokens": {"padding": 7}},
        {"special_tokens": ["[PAD]"]},
        {"lowercase": "yes"},
        {"strip_accents": 1},
    ],
    ids=str,
)
def test_bad_tokenizer_options_are_refused(saved, change):
    edit(
        saved / "assets/tokenizer/tokenizer.json",
        lambda content: content.update(change),
    )
    (saved / "metadata.json").unlink(missing_ok=True)
    with pytest.raises(InputError, match="tokenizer.json must give lowercase"):
        load_tokenizer(saved)
