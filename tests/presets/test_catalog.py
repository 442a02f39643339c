"""The table of published encoders."""

import subprocess
import sys

import pytest

from keras_bert_zoo.checkpoints.shapes import count_parameters
from keras_bert_zoo.encoders.bert import BertEncoder
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.presets import list_presets
from keras_bert_zoo.presets import load_encoder
from keras_bert_zoo.presets import preset_info

# As the papers and their released configurations state them:
# (vocabulary, layers, heads, width, inner width, lower-cased).
PUBLISHED = {
    "bert_tiny_en_uncased": (30522, 2, 2, 128, 512, True),
    "bert_mini_en_uncased": (30522, 4, 4, 256, 1024, True),
    "bert_small_en_uncased": (30522, 4, 8, 512, 2048, True),
    "bert_medium_en_uncased": (30522, 8, 8, 512, 2048, True),
    "bert_base_en_uncased": (30522, 12, 12, 768, 3072, True),
    "bert_base_en_cased": (28996, 12, 12, 768, 3072, False),
    "bert_base_multi_cased": (119547, 12, 12, 768, 3072, False),
    "bert_base_zh": (21128, 12, 12, 768, 3072, True),
    "bert_large_en_uncased": (30522, 24, 16, 1024, 4096, True),
    "bert_large_en_cased": (28996, 24, 16, 1024, 4096, False),
    "bert_large_wwm_en_uncased": (30522, 24, 16, 1024, 4096, True),
    "bert_large_wwm_en_cased": (28996, 24, 16, 1024, 4096, False),
    "minilm_l6_en_uncased": (30522, 6, 12, 384, 1536, True),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_architecture_is_the_published_one(name):
    info = preset_info(name)
    keys = ("vocabulary_size", "num_layers", "num_heads", "hidden_dim")
    sizes = tuple(info.config[key] for key in (*keys, "intermediate_dim"))
    assert (*sizes, info.tokenizer["lowercase"]) == PUBLISHED[name]
    assert info.config["max_sequence_length"] == 512
    assert info.config["num_segments"] == 2
    assert info.config["activation"] == "gelu"
    assert info.config["layer_norm_epsilon"] == 1e-12


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameter_count_follows_from_the_architecture(name):
    info = preset_info(name)
    assert info.num_parameters == count_parameters(info.config)
    assert info.num_bytes == 4 * info.num_parameters


@pytest.mark.parametrize("name", PUBLISHED)
def test_source_and_licence_are_stated(name):
    info = preset_info(name)
    places = ("keras_hub:", "hf:", "package:", "https://")
    assert info.source.startswith(places)
    assert info.licence == "Apache-2.0"
    assert info.description.endswith(".") or info.description.endswith(")")


def test_all_presets_are_listed_smallest_first():
    presets = list_presets()
    assert {info.name for info in presets} == set(PUBLISHED)
    counts = [info.num_parameters for info in presets]
    assert counts == sorted(counts)


def test_preset_without_weights_is_its_architecture():
    encoder = load_encoder("bert_tiny_en_uncased", load_weights=False)
    assert isinstance(encoder, BertEncoder)
    info = preset_info("bert_tiny_en_uncased")
    assert encoder.count_params() == info.num_parameters


def test_unknown_name_lists_the_known():
    with pytest.raises(
        InputError, match="'bert_huge'. Known: bert_base_en_cased, bert_base_en"
    ):
        preset_info("bert_huge")


def test_listing_loads_neither_tensorflow_nor_keras():
    code = (
        "import sys; from keras_bert_zoo.presets import list_presets; "
        "assert list_presets(); "
        "print({'tensorflow', 'keras', 'numpy'} & set(sys.modules))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True
    )
    assert ran.stdout.strip() == "set()", ran.stderr
