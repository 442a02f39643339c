"""The flow that all exporters share: all or nothing, proved first."""

import os
import subprocess
import sys
import types

import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo import testing
from savedmodels.exporter import Exporter
from savedmodels.verification import PROBES
from savedmodels.verification import ExportError
from savedmodels.verification import compare
from savedmodels.verification import compare_answers
from savedmodels.verification import of_real_tokens
from task_heads.classification.head import ClassificationHead
from task_heads.tagging.head import TaggingHead


class Notes(Exporter):
    name = "notes"

    def write(self, model, directory):
        (directory / "notes.txt").write_text("new")

    def verify(self, model, directory):
        return {"ok": True}

    def signatures(self, model):
        return {"default": model.head.signature()}


class Wrong(Notes):
    def verify(self, model, directory):
        raise ExportError("differs")


class FullDisk(Notes):
    def write(self, model, directory):
        (directory / "notes.txt").write_text("half")
        raise OSError(28, "No space left on device")


class Chatty(Notes):
    def write(self, model, directory):
        os.write(2, b"native chatter\n")
        super().write(model, directory)


class Broken(Chatty):
    def verify(self, model, directory):
        raise RuntimeError("a bug")


@pytest.fixture
def previous(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "manifest.json").touch()
    (tmp_path / "out" / "notes.txt").write_text("old")
    return tmp_path / "out"


def test_a_good_export_replaces_the_previous(model, previous):
    manifest = Notes().export(model, previous, overwrite=True)
    assert (previous / "notes.txt").read_text() == "new"
    assert manifest["verification"] == {"ok": True}


def test_what_is_done_is_told(model, tmp_path):
    heard = []
    Notes().export(model, tmp_path / "out", on_work=heard.append)
    assert heard == ["exporting", "verifying"]


@pytest.mark.parametrize(
    ("exporter", "error"), [(Wrong, ExportError), (FullDisk, OSError)]
)
def test_a_failed_export_keeps_the_previous(model, previous, exporter, error):
    with pytest.raises(error):
        exporter().export(model, previous, overwrite=True)
    assert (previous / "notes.txt").read_text() == "old"
    assert [p.name for p in previous.parent.iterdir()] == ["out"]


def test_chatter_of_libraries_is_hidden(model, tmp_path, capfd):
    Chatty().export(model, tmp_path / "out")
    assert capfd.readouterr().err == ""


def test_chatter_is_shown_with_an_error_of_ours(model, tmp_path, capfd):
    with pytest.raises(RuntimeError, match="a bug"):
        Broken().export(model, tmp_path / "out")
    assert "native chatter" in capfd.readouterr().err


@pytest.mark.slow
def test_a_kill_keeps_the_previous(previous):
    program = """
import signal, sys
from savedmodels.exporter import Exporter
class Slow(Exporter):
    def write(self, model, directory):
        (directory / "notes.txt").write_text("half")
        print("ready", flush=True)
        signal.pause()
Slow().export(None, sys.argv[1], overwrite=True)
"""
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(previous)], stdout=subprocess.PIPE
    )
    assert child.stdout.readline() == b"ready\n"
    child.kill()
    child.communicate()
    assert (previous / "notes.txt").read_text() == "old"


def test_compare_returns_the_largest_difference():
    expected = {"a": np.array([1.0, 10.0]), "b": np.array([0.5])}
    received = {"a": np.array([1.0, 10.1]), "b": np.array([0.5])}
    assert compare(expected, received, 0.1) == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("expected", "received", "message"),
    [
        (np.zeros(2), np.ones(2), "differs from the model's by 1"),
        (np.zeros(2), np.full(2, np.nan), "by nan"),
        (np.zeros(2), np.zeros(3), r"shape \(3,\) instead of \(2,\)"),
        (np.array([b"x"]), np.array([b"y"]), "instead of"),
    ],
)
def test_compare_finds_what_differs(expected, received, message):
    with pytest.raises(ExportError, match=message):
        compare({"a": expected}, {"a": received}, 1e-5)


def test_compare_finds_what_is_missing():
    with pytest.raises(ExportError, match="no output 'a'"):
        compare({"a": np.zeros(1)}, {}, 1e-5)


def test_padding_is_not_compared():
    head = TaggingHead(["O", "B-x", "I-x"])
    model = types.SimpleNamespace(head=head)
    outputs = {
        "logits": np.arange(12.0).reshape((2, 2, 3)) + 1,
        "other": np.ones((2, 2)),
    }
    described = head.logits_signature()
    found = of_real_tokens(
        model,
        described,
        outputs,
        {"padding_mask": np.array([[1, 0], [1, 1]])},
    )
    assert found["logits"].tolist() == [
        [[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]],
        [[7.0, 8.0, 9.0], [10.0, 11.0, 12.0]],
    ]
    # Nothing says that it has a value for each token.
    assert found["other"] is outputs["other"]


class Logits:
    """Stands in for a model whose best label is a matter of rounding."""

    def __init__(self, head, logits):
        self.head = head
        self.sequence_length = 8
        self.tokenizer = testing.tiny_tokenizer(["a b"])
        self._logits = logits

    def __call__(self, inputs, training=False):
        return self._logits


@pytest.mark.parametrize("gap", [1e-7, 1e-2])
def test_only_a_tie_may_be_decided_otherwise(gap):
    head = ClassificationHead(labels=["a", "b"])
    logits = np.tile([[1.0, 0.0]], (len(PROBES), 1)).astype("float32")
    logits[2] = [0.5 + gap, 0.5]
    model = Logits(head, tf.constant(logits))
    received = {k: v.numpy() for k, v in head.decode(logits).items()}
    assert compare_answers(model, received, 1e-5) == 0.0
    received["label"] = received["label"].copy()
    received["label"][2] = b"b"
    if gap < 1e-5:
        assert compare_answers(model, received, 1e-5) == 0.0
        received["label"][0] = b"b"
    with pytest.raises(ExportError, match="'label' is"):
        compare_answers(model, received, 1e-5)
