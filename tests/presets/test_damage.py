"""Model directories that are incomplete, damaged or of another kind."""

import json

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
    (path.parent / "task.json").unlink(missing_ok=True)


@pytest.mark.parametrize(
    "name", ["config.json", "model.safetensors", "vocab.txt"]
)
def test_missing_file_is_named(saved, name):
    (saved / name).unlink()
    with pytest.raises(InputError, match=name):
        load_encoder(saved)


@pytest.mark.parametrize("hashed", [True, False])
@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.5, 0.95])
def test_truncated_weights_are_refused(saved, fraction, hashed):
    path = saved / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[: int(fraction * len(content))])
    if not hashed:
        (saved / "task.json").unlink()
    with pytest.raises(InputError, match="model.safetensors must"):
        load_encoder(saved)


def test_changed_weights_are_refused(saved):
    path = saved / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="must have the SHA-256 that task"):
        load_encoder(saved)


def test_changed_vocabulary_is_refused(saved):
    path = saved / "vocab.txt"
    path.write_text(path.read_text().replace("play", "plan"))
    with pytest.raises(InputError, match="must have the SHA-256 that task"):
        load_tokenizer(saved)


@pytest.mark.parametrize("num_layers", [1, 3])
def test_weights_of_another_encoder_are_refused(
    saved, make_encoder, tmp_path, num_layers
):
    save_preset(make_encoder(num_layers=num_layers), None, tmp_path / "b")
    (tmp_path / "b/model.safetensors").replace(saved / "model.safetensors")
    (saved / "task.json").unlink()
    with pytest.raises(InputError, match="encoder.layer.[12]"):
        load_encoder(saved)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_hidden_layers": 0}, "`num_layers` must be an integer from 1"),
        ({"vocab_size": 10**15}, "`vocabulary_size` must be an integer"),
        ({"hidden_size": 8.5}, "`hidden_dim` must be an integer"),
        ({"num_attention_heads": 3}, "`num_heads` must divide `hidden_dim`"),
        ({"hidden_act": "mish"}, "`hidden_act` must be one of"),
        ({"hidden_dropout_prob": 2.0}, "`dropout` must be a number from 0"),
        ({"model_type": "roberta"}, "`model_type` must be 'bert'"),
        ({"keras_bert_zoo": 3}, "must hold arguments of `BertEncoder`"),
        ({"keras_bert_zoo": {"surprise": 1}}, "Received: {'surprise': 1}"),
        ({"keras_bert_zoo": {"embedding_dim": 0}}, "`embedding_dim` must be"),
        ({"keras_bert_zoo": {"share_layers": 1}}, "`share_layers` must be"),
        ({"keras_bert_zoo": {"pooling": "sum"}}, "`pooling` must be"),
        ({"keras_bert_zoo": {"dtype": "float9"}}, "must state an encoder"),
        ({"keras_bert_zoo": {"dtype": {"module": "os"}}}, "must be names"),
        ({"keras_bert_zoo": {"position_offset": 10}}, "`position_offset` must"),
    ],
    ids=lambda value: str(value),
)
def test_bad_config_is_refused(saved, change, message):
    edit(saved / "config.json", lambda content: content.update(change))
    with pytest.raises(InputError, match=message):
        load_encoder(saved, load_weights=False)


@pytest.mark.parametrize("load_weights", [True, False])
@pytest.mark.parametrize(
    "dtype", ["int8", "int32", "string", "complex64", "int8_from_float32"]
)
def test_dtype_other_than_floats_is_refused(saved, dtype, load_weights):
    edit(
        saved / "config.json",
        lambda content: content["keras_bert_zoo"].update(dtype=dtype),
    )
    with pytest.raises(InputError, match=f"must state an encoder.*{dtype}"):
        load_encoder(saved, load_weights=load_weights)


def test_classes_that_are_not_names_are_ignored(saved):
    edit(
        saved / "config.json",
        lambda content: content.update(architectures=[[], {}, None]),
    )
    assert load_encoder(saved).hidden_dim == 8


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        (
            "tokenizer_config.json",
            {"tokenizer_class": ["BertTokenizer"]},
            "must hold the files of a registered one",
        ),
        (
            "config.json",
            {"vocab_size": "8"},
            "`vocabulary_size` must be an integer. Received: '8'",
        ),
    ],
)
def test_value_of_another_type_is_refused(saved, name, change, message):
    edit(saved / name, lambda content: content.update(change))
    with pytest.raises(InputError, match=message):
        load_tokenizer(saved)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "must be JSON in UTF-8"),
        (b"\xff{}", "must be JSON in UTF-8"),
        (b"[" * 100_000, "must be JSON in UTF-8"),
        (b"[]", "must hold a JSON object. Received: a list"),
        (b'{"model_type": "bert"}', "`vocab_size` is missing"),
        (b"{}", "must be of a known format"),
    ],
    ids=["cut", "not UTF-8", "deep", "list", "empty", "unknown"],
)
def test_other_config_file_is_refused(saved, content, message):
    (saved / "config.json").write_bytes(content)
    (saved / "task.json").unlink()
    with pytest.raises(InputError, match=message):
        load_encoder(saved)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": 99}, "format version 1. Received: 99"),
        ({"sha256": []}, "`sha256` must be of the type dict"),
        ({"sha256": {"../secret": "0"}}, "must name files of the directory"),
        ({"sha256": {"/etc/hostname": "0"}}, "must name files of the dir"),
        ({"sha256": {"config.json": 3}}, "config.json must have the SHA-256"),
        ({"freeze_encoder": 1}, "`freeze_encoder` must be of the type bool"),
        ({"sequence_length": True}, "`sequence_length` must be of the type"),
        ({"head": "tagging"}, "task.json must have the SHA-256"),
    ],
    ids=str,
)
def test_bad_task_file_is_refused(saved, change, message):
    path = saved / "task.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(InputError, match=message):
        load_encoder(saved)


@pytest.mark.parametrize("content", [b"{", b"[]", b"[" * 100_000])
def test_damaged_task_file_is_refused(saved, content):
    (saved / "task.json").write_bytes(content)
    with pytest.raises(InputError, match="task.json must"):
        load_encoder(saved)


def test_task_file_of_another_library_is_none_of_ours(saved):
    text = json.dumps({"registered_name": "keras_hub>BertTextClassifier"})
    (saved / "task.json").write_text(text)
    assert load_encoder(saved).hidden_dim == 8


def test_preset_without_tokenizer_says_so(make_encoder, tmp_path):
    save_preset(make_encoder(), None, tmp_path / "preset")
    with pytest.raises(InputError, match="must hold a vocabulary"):
        load_tokenizer(tmp_path / "preset")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pad_token": "<pad>"}, "without '<pad>'"),
        ({"pad_token": 7}, "`pad_token` must be a token"),
        ({"do_lower_case": "yes"}, "`do_lower_case` must be true or false"),
        ({"strip_accents": 1}, "`strip_accents` must be true or false"),
    ],
    ids=str,
)
def test_bad_tokenizer_options_are_refused(saved, change, message):
    edit(
        saved / "tokenizer_config.json", lambda content: content.update(change)
    )
    with pytest.raises(InputError, match=message):
        load_tokenizer(saved)
