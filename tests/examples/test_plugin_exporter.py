"""The example exporter writes what it says it writes."""

import importlib.util
import json
import pathlib

import pytest

import keras_bert_zoo as zoo
from keras_bert_zoo.registry import exporters
from keras_bert_zoo.testing import tiny_encoder
from keras_bert_zoo.testing import tiny_tokenizer
from savedmodels.verification import ExportError
from task_heads.classification.head import ClassificationHead

PLUGIN = pathlib.Path(__file__).parents[2] / "examples" / "plugin_exporter"


@pytest.fixture
def exporter():
    spec = importlib.util.spec_from_file_location(
        "frozen_graph", PLUGIN / "frozen_graph.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    exporters.register("frozen_graph", module.FrozenGraphExporter)
    yield module
    exporters.unregister("frozen_graph")


@pytest.fixture
def model():
    tokenizer = tiny_tokenizer(["a short text that goes on"])
    encoder = tiny_encoder(len(tokenizer.vocabulary))
    head = ClassificationHead(labels=["no", "yes"])
    return zoo.TaskModel(encoder, head, tokenizer)


@pytest.mark.slow
def test_export_is_verified_and_described(exporter, model, tmp_path):
    manifest = zoo.export(model, tmp_path / "out", "frozen_graph").manifest
    assert manifest["verification"]["texts"] <= exporter.TOLERANCE
    assert list(manifest["files"]) == [exporter.GRAPH_FILE]
    written = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert written["format"] == "frozen_graph"


@pytest.mark.slow
def test_wrong_export_leaves_nothing(exporter, model, tmp_path, monkeypatch):
    monkeypatch.setattr(exporter, "TOLERANCE", -1.0)
    with pytest.raises(ExportError, match="differs from the model's"):
        zoo.export(model, tmp_path / "out", "frozen_graph")
    assert list(tmp_path.iterdir()) == []
