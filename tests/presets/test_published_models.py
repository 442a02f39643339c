"""Directories that others publish, through the one door."""

import json
import os
import pathlib
import shutil

import numpy as np
import pytest
import safetensors.numpy

from keras_bert_zoo.checkpoints import HeadWeights
from keras_bert_zoo.checkpoints import write_huggingface
from keras_bert_zoo.checkpoints.huggingface import read_architecture
from keras_bert_zoo.encoders.bert import BertEncoder
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.presets import Preset
from keras_bert_zoo.task.model import TaskModel

ROOT = pathlib.Path(__file__).parents[2]
RECORDED = ROOT / "tests/recorded/transformers"
SHARED = pathlib.Path(os.environ.get("KBZ_SHARED", ROOT.parent / "shared"))
INPUTS = ("token_ids", "segment_ids", "padding_mask")


def tokens(count):
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    return [*special, *(f"w{number}" for number in range(count - 5))]


@pytest.fixture
def published(tmp_path):
    """Returns a function making a recorded model a whole directory."""

    def make(name, num_tokens=None, **changes):
        directory = tmp_path / name
        shutil.copytree(RECORDED / name, directory)
        path = directory / "config.json"
        config = {**json.loads(path.read_text()), **changes}
        path.write_text(json.dumps(config))
        names = tokens(num_tokens or config["vocab_size"])
        (directory / "vocab.txt").write_text("\n".join([*names, ""]))
        return directory

    return make


@pytest.mark.parametrize("name", ["classifier", "tagger"])
@pytest.mark.parametrize("stated", [True, False])
def test_head_and_labels_are_restored(published, name, stated):
    changes = {} if stated else {"architectures": None}
    model = TaskModel.from_preset(published(name, **changes))
    assert model.head.labels_by_index == ["no", "maybe", "yes"]
    recorded = np.load(RECORDED / name / "outputs.npz")
    logits = model({key: recorded[key] for key in INPUTS})
    np.testing.assert_allclose(logits, recorded["logits"], atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "more", "received"),
    [
        ({"architectures": ["TheirTagger"]}, {}, "TheirTagger"),
        (
            {"architectures": None, "id2label": ["O", "B-x", "I-x"]},
            {"crf.transitions": np.zeros((3, 3), "float32")},
            "a head with the variables crf.transitions",
        ),
        (
            {"architectures": ["BertForMultipleChoice"]},
            {},
            "BertForMultipleChoice",
        ),
    ],
)
def test_head_that_is_not_known_is_refused_by_name(
    published, changes, more, received
):
    directory = published("classifier", **changes)
    path = directory / "model.safetensors"
    arrays = safetensors.numpy.load_file(path)
    safetensors.numpy.save_file({**arrays, **more}, path)
    with pytest.raises(InputError, match=f"Received: {received}.*Name one"):
        TaskModel.from_preset(directory)
    BertEncoder.from_preset(directory)


@pytest.mark.parametrize("head", ["tagging", "classification"])
def test_who_names_the_head_decides(published, head):
    directory = published("classifier", architectures=["TheirModel"])
    model = TaskModel.from_preset(directory, head)
    assert model.head.name == head
    assert model.head.labels_by_index == ["no", "maybe", "yes"]
    kernel = safetensors.numpy.load_file(directory / "model.safetensors")
    np.testing.assert_array_equal(
        model.get_layer("logits").get_weights()[0],
        kernel["classifier.weight"].T,
    )


def test_multiple_choices_are_no_classifier(published):
    directory = published("classifier", architectures=["BertForMultipleChoice"])
    with pytest.raises(InputError, match="must hold weights of the head"):
        TaskModel.from_preset(
            directory, "classification", labels=["a", "b"], load_head=True
        )


@pytest.mark.slow
def test_published_tagger_answers(published):
    names = {"0": "O", "1": "B-PER", "2": "I-PER"}
    directory = published("tagger", architectures=None, id2label=names)
    model = TaskModel.from_preset(directory)
    answer = model.predict_text("w1 w2 w3")
    assert set(answer["tags"]) <= set(names.values())


def test_shards_are_read(published):
    directory = published("classifier")
    path = directory / "model.safetensors"
    arrays = safetensors.numpy.load_file(path)
    path.unlink()
    places = {}
    for number, shard in enumerate((list(arrays)[::2], list(arrays)[1::2]), 1):
        name = f"model-0000{number}-of-00002.safetensors"
        part = {key: arrays[key] for key in shard}
        safetensors.numpy.save_file(part, directory / name)
        places |= dict.fromkeys(shard, name)
    index = {"metadata": {}, "weight_map": places}
    (directory / "model.safetensors.index.json").write_text(json.dumps(index))
    model = TaskModel.from_preset(directory)
    recorded = np.load(RECORDED / "classifier/outputs.npz")
    logits = model({key: recorded[key] for key in INPUTS})
    np.testing.assert_allclose(logits, recorded["logits"], atol=1e-5)


def test_fast_tokenizer_alone_is_enough(published):
    directory = published("classifier")
    words = (directory / "vocab.txt").read_text().split()
    (directory / "vocab.txt").unlink()
    content = {
        "normalizer": {"type": "BertNormalizer", "lowercase": True},
        "model": {
            "type": "WordPiece",
            "vocab": {word: row for row, word in enumerate(words)},
        },
    }
    (directory / "tokenizer.json").write_text(json.dumps(content))
    model = TaskModel.from_preset(directory)
    assert model.tokenizer.tokenize(["W1 w2"]).to_list() == [[6, 7]]


def test_padded_token_table_is_loaded_and_saved(published, tmp_path):
    preset = Preset(published("masked_lm", num_tokens=28))
    model = TaskModel.from_preset(preset)
    assert "rows 28 to 30" in " ".join(preset.report.notes)
    model.save_to_preset(tmp_path / "again")
    twin = TaskModel.from_preset(tmp_path / "again")
    assert twin.encoder.vocabulary_size == 31
    for one, other in zip(twin.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_vocabulary_larger_than_the_table_is_refused(published):
    with pytest.raises(InputError, match="32 tokens for 31 rows"):
        TaskModel.from_preset(published("masked_lm", num_tokens=32))


def test_vocabulary_is_needed(published):
    directory = published("classifier")
    (directory / "vocab.txt").unlink()
    with pytest.raises(InputError, match="must hold a vocabulary"):
        TaskModel.from_preset(directory)


def test_hub_answers_from_its_cache(published, monkeypatch):
    hub = pytest.importorskip("huggingface_hub")
    directory = published("classifier")
    asked = []

    def snapshot_download(name, revision, allow_patterns):
        asked.append((name, revision))
        return str(directory)

    monkeypatch.setattr(hub, "snapshot_download", snapshot_download)
    model = TaskModel.from_preset("hf:someone/bert@v2")
    assert asked == [("someone/bert", "v2")]
    assert model.head.labels_by_index == ["no", "maybe", "yes"]
    assert model.provenance.base_model == "someone/bert"


@pytest.mark.skipif(
    not (SHARED / "models").is_dir(),
    reason="the shared models are absent (KBZ_SHARED)",
)
def test_files_of_a_published_tagger_are_read(tmp_path):
    """But its weights, and 3 tokens too many for its table."""
    source = SHARED / "models/hf_bert_ner_tiny"
    _, arguments = read_architecture(source)
    encoder = BertEncoder(**arguments)
    weights = {"kernel": np.zeros((16, 9)), "bias": np.arange(9.0)}
    head = HeadWeights("tagging", [], weights, {})
    write_huggingface(encoder, tmp_path, heads=[head])
    for name in ("config.json", "tokenizer_config.json"):
        shutil.copyfile(source / name, tmp_path / name)
    words = (source / "vocab.txt").read_text().splitlines()[:402]
    (tmp_path / "vocab.txt").write_text("\n".join([*words, ""]))
    model = TaskModel.from_preset(tmp_path)
    assert model.head.name == "tagging"
    (span,) = model.predict_text("London")["spans"]
    assert span["label"] == "LOC"
