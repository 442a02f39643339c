"""Saving a task model whole and loading it again."""

import json

import keras
import numpy as np
import pytest

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task.model import TaskModel
from task_heads.classification import ClassificationHead


@pytest.fixture
def saved(make_model, tmp_path):
    model = make_model(
        ClassificationHead(["bad", "good"], pooling="mean"),
        sequence_length=20,
    )
    model.save_to_preset(tmp_path / "model")
    return model, tmp_path / "model"


def test_round_trip_gives_the_same_answers(saved, texts):
    model, directory = saved
    twin = TaskModel.from_preset(directory)
    assert twin.predict_text(texts) == model.predict_text(texts)
    assert twin.sequence_length == 20
    assert twin.head.get_config() == model.head.get_config()


def test_a_new_head_can_be_put_on_a_saved_encoder(saved):
    model, directory = saved
    twin = TaskModel.from_preset(
        directory, head="classification", labels=["x", "y", "z"]
    )
    assert twin.head.labels_by_index == ["x", "y", "z"]
    for ours, theirs in zip(
        twin.encoder.get_weights(), model.encoder.get_weights()
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_an_existing_directory_is_refused(saved):
    model, directory = saved
    with pytest.raises(InputError, match="not overwritten"):
        model.save_to_preset(directory)


class _Scaled(keras.layers.Layer):
    """Has two weights that Keras gives one path."""

    def build(self, _):
        self.scales = [self.add_weight(shape=(), name="scale") for _ in "ab"]

    def call(self, logits):
        return logits * self.scales[0] * self.scales[1]


class _ScaledHead(ClassificationHead):
    def build(self, encoder):
        model = super().build(encoder)
        return keras.Model(model.input, _Scaled()(model.output))


def test_variables_of_one_path_are_refused(make_model, tmp_path):
    model = make_model(_ScaledHead(["bad", "good"]))
    with pytest.raises(InputError, match="two of .*scale"):
        model.save_to_preset(tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_overwrite_replaces_it(saved):
    model, directory = saved
    (directory / "stale").write_text("old")
    model.save_to_preset(directory, overwrite=True)
    assert not (directory / "stale").exists()


def test_a_failed_save_keeps_the_previous_one(saved, monkeypatch, texts):
    model, directory = saved

    def full_disk(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("h5py.File.__setitem__", full_disk)
    with pytest.raises(OSError, match="No space left"):
        model.save_to_preset(directory, overwrite=True)
    monkeypatch.undo()
    twin = TaskModel.from_preset(directory)
    assert twin.predict_text(texts) == model.predict_text(texts)
    assert [path.name for path in directory.parent.iterdir()] == ["model"]


def test_the_labels_are_readable_in_the_directory(saved):
    _, directory = saved
    task = json.loads((directory / "task.json").read_text())
    assert task["config"]["labels"] == ["bad", "good"]


def test_without_a_saved_head_one_must_be_named(saved):
    _, directory = saved
    (directory / "task.json").unlink()
    with pytest.raises(InputError, match="Name one of: .*classification"):
        TaskModel.from_preset(directory)


def test_options_without_a_head_are_refused(saved):
    _, directory = saved
    with pytest.raises(InputError, match="labels without a head"):
        TaskModel.from_preset(directory, labels=["a", "b"])


def test_an_unknown_head_lists_the_known(saved):
    _, directory = saved
    with pytest.raises(InputError, match="'clasification'. Known: .*class"):
        TaskModel.from_preset(directory, head="clasification")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"head": 3', "task.json must be JSON"),
        ("[" * 100_000, "task.json must be JSON"),
        ('{"head": 3}', "task.json must describe a head"),
        (
            '{"head": "classification", "config": {}, "sequence_length": "x"}',
            "task.json must describe a head",
        ),
        (
            '{"head": "classification", "config": {}, "freeze_encoder": 1}',
            "task.json must describe a head",
        ),
        (
            '{"head": "classification", "config": {"labels": 5}}',
            "task.json: `labels` must be a list of names. Received: 5",
        ),
        (
            '{"head": "classification", "config": {"odd": 5}}',
            "task.json must hold the arguments",
        ),
        (
            '{"head": "classification", "config": '
            '{"labels": ["a", "b"], "dropout": 5}}',
            "task.json: `dropout` must be",
        ),
    ],
    ids=range(8),
)
def test_a_broken_task_file_is_named(saved, content, message):
    _, directory = saved
    (directory / "metadata.json").unlink()
    (directory / "task.json").write_text(content)
    with pytest.raises(InputError, match=message):
        TaskModel.from_preset(directory)


def test_a_truncated_head_file_is_named(saved):
    _, directory = saved
    path = directory / "task.weights.h5"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match="must have the SHA-256"):
        TaskModel.from_preset(directory)
    (directory / "metadata.json").unlink()
    with pytest.raises(InputError, match="task.weights.h5 must hold"):
        TaskModel.from_preset(directory)


def test_weights_of_another_head_are_refused(saved, make_model, tmp_path):
    _, directory = saved
    other = make_model(ClassificationHead(["a", "b", "c"], pooling="mean"))
    other.save_to_preset(tmp_path / "other")
    (tmp_path / "other" / "task.weights.h5").replace(
        directory / "task.weights.h5"
    )
    (directory / "metadata.json").unlink()
    with pytest.raises(InputError, match=r"shape \(8, 2\). Received: \(8, 3"):
        TaskModel.from_preset(directory)


def test_a_quantized_model_is_not_saved(make_model, tmp_path):
    model = make_model()
    model.quantize("int8")
    with pytest.raises(InputError, match="plain floats. Received: quantized"):
        model.save_to_preset(tmp_path / "model")


def test_a_changed_head_is_found(make_model, tmp_path):
    make_model().save_to_preset(tmp_path / "model")
    path = tmp_path / "model" / "task.json"
    path.write_text(path.read_text().replace('"bad"', '"good"', 1))
    with pytest.raises(InputError, match="task.json must have the SHA-256"):
        TaskModel.from_preset(tmp_path / "model")


@pytest.mark.parametrize("layer", ["pooler", "logits"])
def test_a_model_whose_training_diverged_is_not_saved(
    make_model, tmp_path, layer
):
    model = make_model()
    owner = model if layer == "logits" else model.encoder
    variable = owner.get_layer(layer).weights[0]
    variable.assign(variable * np.nan)
    with pytest.raises(InputError, match=f"infinity in .*{layer}"):
        model.save_to_preset(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []
