"""Saving a task model whole and loading it again."""

import json
import shutil

import keras
import numpy as np
import pytest
import safetensors.numpy

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.presets import save_preset
from keras_bert_zoo.task.model import TaskModel
from task_heads.classification.head import ClassificationHead


@pytest.fixture(scope="module", params=["mean", "cls"])
def original(make_model, tmp_path_factory, request):
    """A model with a head that is saved in our form, or a published one."""
    model = make_model(
        ClassificationHead(["bad", "good"], pooling=request.param),
        sequence_length=20,
    )
    directory = tmp_path_factory.mktemp("saved") / "model"
    model.save_to_preset(directory)
    return model, directory


@pytest.fixture
def saved(original, tmp_path):
    """That model and a copy of its directory, to be changed."""
    model, directory = original
    shutil.copytree(directory, tmp_path / "model")
    return model, tmp_path / "model"


def assert_same_weights(one, other):
    for ours, theirs in zip(
        one.get_weights(), other.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def edit_task(directory, **changes):
    path = directory / "task.json"
    task = {**json.loads(path.read_text()), "sha256": {}, **changes}
    path.write_text(json.dumps(task))


def change_arrays(directory, change):
    path = directory / "model.safetensors"
    arrays = safetensors.numpy.load_file(path)
    change(arrays)
    safetensors.numpy.save_file(arrays, path)
    edit_task(directory)


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


def test_a_failed_save_keeps_the_previous_one(saved, monkeypatch):
    model, directory = saved

    def full_disk(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("safetensors.numpy.save_file", full_disk)
    with pytest.raises(OSError, match="No space left"):
        model.save_to_preset(directory, overwrite=True)
    monkeypatch.undo()
    assert_same_weights(TaskModel.from_preset(directory), model)
    assert [path.name for path in directory.parent.iterdir()] == ["model"]


def test_the_labels_are_readable_in_the_directory(saved):
    _, directory = saved
    task = json.loads((directory / "task.json").read_text())
    assert task["config"]["labels"] == ["bad", "good"]


def test_without_a_saved_head_one_must_be_named(saved):
    model, directory = saved
    save_preset(model.encoder, model.tokenizer, directory, overwrite=True)
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
    ("changes", "message"),
    [
        ({"head": "no-such"}, "'no-such'. Known: .*classification"),
        ({"config": None}, "task.json must hold the arguments"),
        ({"config": {"odd": 5}}, "task.json must hold the arguments"),
        ({"config": {"labels": 5}}, "task.json: `labels` .* Received: 5"),
        (
            {"config": {"labels": ["a", "b"], "dropout": 5}},
            "task.json: `dropout` must be",
        ),
        ({"config": {"labels": ["a", "b", "c"]}}, r"model: .*|\(8, 3\)"),
    ],
    ids=str,
)
def test_a_broken_head_is_named(saved, changes, message):
    _, directory = saved
    edit_task(directory, **changes)
    with pytest.raises(InputError, match=message):
        TaskModel.from_preset(directory)


@pytest.fixture
def own(make_model, tmp_path):
    """A directory whose head lies under names of its own."""
    head = ClassificationHead(["bad", "good"], pooling="mean")
    make_model(head).save_to_preset(tmp_path / "model")
    return tmp_path / "model"


def test_a_truncated_file_is_named(own):
    path = own / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="must have the SHA-256"):
        TaskModel.from_preset(own)
    edit_task(own)
    with pytest.raises(InputError, match="must be a whole safetensors file"):
        TaskModel.from_preset(own)


BIAS = "task_head/logits/bias"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.pop(BIAS), "lacks 'logits/bias'"),
        (
            lambda a: a.update({"task_head/b": np.ones(2, "float32")}),
            "no rule knows 'b'",
        ),
        (
            lambda a: a.update({BIAS: np.ones(3, "float32")}),
            r"'logits/bias' must have the shape \(2,\). Received: \(3,\)",
        ),
        (
            lambda a: a.update({BIAS: np.array([np.nan, 0], "float32")}),
            "'logits/bias' must hold finite numbers",
        ),
        (
            lambda a: a.update({BIAS: np.ones(2, "int32")}),
            "'logits/bias' must be floating-point",
        ),
    ],
    ids=["missing", "unknown", "shape", "finite", "type"],
)
def test_other_variables_of_a_head_are_refused(own, change, message):
    change_arrays(own, change)
    with pytest.raises(InputError, match=message):
        TaskModel.from_preset(own)


def test_variables_of_a_published_class_have_its_names(saved):
    model, directory = saved
    config = json.loads((directory / "config.json").read_text())
    names = set(safetensors.numpy.load_file(directory / "model.safetensors"))
    kernel, _ = model.get_layer("logits").get_weights()
    if model.head.pooling == "cls":
        assert config["architectures"] == ["BertForSequenceClassification"]
        assert {"classifier.weight", "bert.pooler.dense.weight"} <= names
        assert not [name for name in names if "task_head" in name]
    else:
        # BertForSequenceClassification would answer otherwise.
        assert config["architectures"] == ["BertModel"]
        assert {"task_head/logits/kernel", "pooler.dense.weight"} <= names
    assert (directory / "README.md").read_text().startswith("---\n")


def test_what_the_published_form_lacks_is_written_too(make_model, tmp_path):
    model = make_model(ClassificationHead(kind="regression", pooling="cls"))
    model.get_layer("score_scale").set_weights(
        [np.float32(2.5), np.float32(0.3)]
    )
    model.save_to_preset(tmp_path / "model")
    arrays = safetensors.numpy.load_file(tmp_path / "model/model.safetensors")
    assert "classifier.weight" in arrays
    twin = TaskModel.from_preset(tmp_path / "model")
    assert_same_weights(twin, model)


def test_a_published_directory_needs_no_head(saved):
    model, directory = saved
    if model.head.pooling != "cls":
        pytest.skip("no published class has this head")
    (directory / "task.json").unlink()
    twin = TaskModel.from_preset(directory)
    assert twin.head.labels_by_index == ["bad", "good"]
    assert_same_weights(twin, model)


def test_head_weights_that_are_not_there_are_refused(saved):
    _, directory = saved
    with pytest.raises(InputError, match="weights of the head 'span_qa'"):
        TaskModel.from_preset(directory, head="span_qa", load_head=True)


def test_head_of_other_labels_cannot_take_the_weights(saved):
    model, directory = saved
    head = ClassificationHead(["a", "b", "c"], pooling=model.head.pooling)
    with pytest.raises(InputError, match=r"\(8, 3\)"):
        TaskModel.from_preset(directory, head, load_head=True)


@pytest.mark.parametrize("name", ["BertForMultipleChoice", "BertForMaskedLM"])
def test_class_whose_head_is_not_there_is_named(saved, name):
    _, directory = saved
    (directory / "task.json").unlink()
    path = directory / "config.json"
    config = {**json.loads(path.read_text()), "architectures": [name]}
    path.write_text(json.dumps(config))
    with pytest.raises(InputError, match=f"Received: {name}. Registered"):
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
