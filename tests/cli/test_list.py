import json

from keras_bert_zoo import presets
from keras_bert_zoo import registry


def test_every_preset_has_a_line(zoo):
    lines = zoo("list").out.splitlines()
    for info in presets.list_presets():
        (line,) = [line for line in lines if line.startswith(f"{info.name} ")]
        assert info.licence in line
        assert line.endswith(info.source)


def test_parameters_and_size_are_shown(zoo):
    (line,) = [
        line
        for line in zoo("list").out.splitlines()
        if line.startswith("minilm_l6_en_uncased ")
    ]
    assert line.split()[1:5] == ["22.7", "M", "91", "MB"]


def test_plugins_are_named(zoo):
    out = zoo("list").out
    assert f"heads: {', '.join(registry.heads.names())}\n" in out
    assert f"\nobjectives: {', '.join(registry.objectives.names())}\n" in out
    assert "\nvocabularies: byte_bpe, unigram, wordpiece\n" in out
    assert "\nexport formats: " in out


def test_json_says_the_same(zoo):
    content = json.loads(zoo("list", "--json").out)
    names = [info.name for info in presets.list_presets()]
    assert [entry["name"] for entry in content["presets"]] == names
    assert content["heads"] == registry.heads.names()
    assert content["objectives"] == registry.objectives.names()
    assert content["vocabularies"] == registry.vocabularies.names()
    assert content["exporters"] == registry.exporters.names()
    assert {"num_parameters", "num_bytes", "source", "licence"} <= set(
        content["presets"][0]
    )
