import json
import resource

import numpy as np
import pytest
import safetensors.numpy

from keras_bert_zoo import presets
from keras_bert_zoo.checkpoints import HeadWeights
from keras_bert_zoo.checkpoints import write_huggingface


@pytest.fixture
def source(folder, tmp_path):
    """A Hugging Face directory with the tiny encoder."""
    encoder = presets.load_encoder(folder / "preset")
    tokenizer = presets.load_tokenizer(folder / "preset")

    def save(*heads):
        directory = tmp_path / "hf"
        directory.mkdir(exist_ok=True)
        write_huggingface(encoder, directory, heads=heads)
        tokenizer.save(directory)
        return directory

    return save


def test_an_encoder_becomes_a_preset(zoo, source, tmp_path, folder):
    outcome = zoo("convert", source(), "--out", tmp_path / "out")
    assert (outcome.status, outcome.error) == (0, "")
    ours = presets.load_encoder(tmp_path / "out").get_weights()
    theirs = presets.load_encoder(folder / "preset").get_weights()
    for one, two in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, two)


def test_what_was_read_is_printed(zoo, source, tmp_path):
    out = zoo("convert", source(), "--out", tmp_path / "out").out
    assert f"variables of {tmp_path / 'hf'} (huggingface), 0 ignored" in out
    assert "head        none\n" in out
    assert out.endswith(f"saved       {tmp_path / 'out'}\n")


def test_a_classifier_keeps_its_head(zoo, source, tmp_path):
    weights = {"kernel": np.eye(8, 2), "bias": np.array([0.0, 9.0])}
    weights = {name: value.astype("float32") for name, value in weights.items()}
    head = HeadWeights("classification", ["no", "yes"], weights, {})
    outcome = zoo("convert", source(head), "--out", tmp_path / "out")
    assert "head        classification\n" in outcome.out
    answer = zoo("predict", tmp_path / "out", "--text=fine").out
    assert '"label": "yes"' in answer


@pytest.fixture
def their_tagger(source):
    """A directory whose class is of its author's own, with a CRF."""
    weights = {"kernel": np.eye(8, 2), "bias": np.array([0.0, 9.0])}
    weights = {name: value.astype("float32") for name, value in weights.items()}
    directory = source(HeadWeights("classification", ["A", "B"], weights, {}))
    path = directory / "config.json"
    config = json.loads(path.read_text())
    config.update(architectures=["TheirTagger"], problem_type=None)
    path.write_text(json.dumps(config))
    path = directory / "model.safetensors"
    arrays = safetensors.numpy.load_file(path)
    arrays["crf.transitions"] = np.zeros((2, 2), "float32")
    safetensors.numpy.save_file(arrays, path)
    return directory


def test_a_head_that_is_not_told_has_to_be_named(zoo, their_tagger, tmp_path):
    outcome = zoo("convert", their_tagger, "--out", tmp_path / "out")
    assert outcome.status == 2
    assert "Received: TheirTagger" in outcome.error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("head", "kept", "printed"),
    [
        ("tagging", "tagging", "tagging"),
        ("none", None, "classification not kept, TheirTagger not kept"),
    ],
)
def test_the_head_that_is_named_is_kept(
    zoo, their_tagger, tmp_path, head, kept, printed
):
    out = tmp_path / "out"
    outcome = zoo("convert", their_tagger, "--out", out, "--head", head)
    assert f"head        {printed}\n" in outcome.out
    assert "ignored     crf.transitions" in outcome.out
    assert json.loads((out / "task.json").read_text())["head"] == kept


def test_a_head_without_weights_is_refused(zoo, source, tmp_path):
    outcome = zoo(
        "convert", source(), "--out", tmp_path / "out", "--head", "span_qa"
    )
    assert outcome.status == 2
    assert "must hold weights of the head 'span_qa'" in outcome.error


def test_an_existing_output_is_refused_first(zoo, folder):
    outcome = zoo("convert", "absent", "--out", folder / "preset")
    assert outcome.status == 2
    assert "An existing output directory is not overwritten" in outcome.error


def test_an_unknown_source_is_reported_in_one_line(zoo, tmp_path):
    outcome = zoo("convert", tmp_path / "absent", "--out", tmp_path / "out")
    assert outcome.status == 2
    assert "absent" in outcome.error
    assert outcome.error.count("\n") == 1


def test_a_file_that_cannot_grow_keeps_the_previous_preset(
    zoo, source, tmp_path
):
    # Fails as on a full disk, in the middle of the weights.
    before = zoo("convert", source(), "--out", tmp_path / "out")
    assert before.status == 0
    kept = (tmp_path / "out" / "model.safetensors").read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        outcome = zoo(
            "convert",
            tmp_path / "hf",
            "--out",
            tmp_path / "out",
            "--overwrite",
        )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert outcome.status == 2
    assert "File too large" in outcome.error
    assert outcome.error.count("\n") == 1
    assert (tmp_path / "out" / "model.safetensors").read_bytes() == kept
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["hf", "out"]
