"""Presets in directories: round trip, damage, and failing half-way."""

import json
import pathlib

import keras
import numpy as np
import pytest

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.presets import load_encoder
from keras_bert_zoo.presets import load_tokenizer
from keras_bert_zoo.presets import save_preset
from keras_bert_zoo.presets import write_preset


@pytest.fixture
def saved(make_encoder, tokenizer, tmp_path):
    save_preset(make_encoder(), tokenizer, tmp_path / "preset")
    return tmp_path / "preset"


def edit(path, change):
    """Changes a JSON file, and forgets the hashes."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    (path.parent / "metadata.json").unlink(missing_ok=True)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"embedding_dim": 4, "share_layers": True, "position_offset": 2},
        {"use_pooler": False, "activation": "relu", "dropout": 0.2},
        {"layer_norm_epsilon": 1e-5, "num_segments": 3},
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


def test_tokenizer_round_trip(saved, tokenizer):
    found = load_tokenizer(saved)
    assert found.vocabulary == tokenizer.vocabulary
    assert found.lowercase is False


def test_layout(saved):
    files = {
        path.relative_to(saved).as_posix()
        for path in saved.rglob("*")
        if path.is_file()
    }
    assert files == {
        "config.json",
        "metadata.json",
        "model.weights.h5",
        "assets/tokenizer/tokenizer.json",
        "assets/tokenizer/vocab.txt",
    }


def test_metadata_keeps_what_is_given(make_encoder, tmp_path):
    path = tmp_path / "preset"
    save_preset(make_encoder(), None, path, metadata={"source": "here"})
    metadata = json.loads((path / "metadata.json").read_text())
    assert metadata["source"] == "here"
    assert set(metadata["sha256"]) == {"config.json", "model.weights.h5"}


def test_further_files_can_be_added(make_encoder, tokenizer, tmp_path):
    (tmp_path / "task.json").write_text("{}")
    write_preset(make_encoder(), tokenizer, tmp_path)
    assert load_encoder(tmp_path).count_params() > 0


def test_weights_can_be_left_out(saved):
    (saved / "model.weights.h5").unlink()
    encoder = load_encoder(saved, load_weights=False)
    assert encoder.hidden_dim == 8


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
    with pytest.raises(
        InputError, match=f"cannot change a size .*: another {name} than"
    ):
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
    with pytest.raises(InputError, match="nowhere, which is no directory"):
        load_encoder(tmp_path / "nowhere")


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
        ({"dropout": 2.0}, "must state an encoder. Received"),
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


def test_existing_directory_is_kept(saved, make_encoder):
    before = (saved / "model.weights.h5").read_bytes()
    with pytest.raises(InputError, match="is not overwritten"):
        save_preset(make_encoder(), None, saved)
    assert (saved / "model.weights.h5").read_bytes() == before


def test_failed_save_keeps_the_previous_preset(
    saved, make_encoder, monkeypatch
):
    before = {
        path: path.read_bytes() for path in saved.rglob("*") if path.is_file()
    }

    def full_disk(*arguments, **options):
        raise OSError(28, "No space left on device")

    encoder = make_encoder(num_layers=1)
    monkeypatch.setattr(pathlib.Path, "write_text", full_disk)
    with pytest.raises(OSError, match="No space left"):
        save_preset(encoder, None, saved, overwrite=True)
    assert [path.name for path in saved.parent.iterdir()] == ["preset"]
    assert {path: path.read_bytes() for path in before} == before


def test_other_models_are_refused(tmp_path):
    model = keras.Sequential([keras.layers.Dense(1)])
    with pytest.raises(InputError, match="A preset holds a `BertEncoder`"):
        save_preset(model, None, tmp_path / "preset")
    assert list(tmp_path.iterdir()) == []
