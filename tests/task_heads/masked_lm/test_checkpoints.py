"""Published masked language models load with their head, and are written."""

import pathlib

import keras
import numpy as np
import pytest
from checkpoint_parts import load_checkpoint

from keras_bert_zoo import testing
from keras_bert_zoo.presets import catalog
from keras_bert_zoo.task.model import TaskModel
from keras_bert_zoo.tokenization import Vocabulary
from keras_bert_zoo.tokenization.wordpiece.tokenizer import BertTokenizer
from task_heads.masked_lm.head import MaskedTokenHead

ROOT = pathlib.Path(__file__).parents[3]
RECORDED = ROOT / "tests/recorded/transformers"
INPUTS = ("token_ids", "segment_ids", "padding_mask")


def tokenizer_of(size):
    tokens = testing.tiny_tokenizer(["a"]).vocabulary.tokens
    more = [f"w{number}" for number in range(size - len(tokens))]
    return BertTokenizer(Vocabulary([*tokens, *more]), True)


def model_of(checkpoint):
    head = MaskedTokenHead.from_weights(checkpoint.heads[0])
    tokenizer = tokenizer_of(checkpoint.encoder.vocabulary_size)
    model = TaskModel(checkpoint.encoder, head, tokenizer)
    head.set_weights(model, checkpoint.heads[0])
    return model


def logits_everywhere(model, recorded):
    inputs = {name: recorded[name] for name in INPUTS}
    rows, length = inputs["token_ids"].shape
    places = np.tile(np.arange(length, dtype="int32"), (rows, 1))
    return keras.ops.convert_to_numpy(
        model({**inputs, "mask_positions": places})
    )


@pytest.mark.parametrize("name", ["masked_lm", "pretraining"])
def test_logits_equal_those_of_transformers(name):
    recorded = dict(np.load(RECORDED / name / "outputs.npz"))
    model = model_of(load_checkpoint(RECORDED / name))
    expected = recorded.get("prediction_logits", recorded.get("logits"))
    scale = max(1.0, np.abs(expected).max())
    difference = np.abs(logits_everywhere(model, recorded) - expected).max()
    assert difference / scale <= 1e-5


def assert_same_weights(one, other):
    for ours, theirs in zip(
        one.get_weights(), other.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_a_published_directory_loads_with_its_head(tmp_path):
    model = model_of(load_checkpoint(RECORDED / "masked_lm"))
    model.save_to_preset(tmp_path / "hf")
    (tmp_path / "hf/task.json").unlink()
    again = TaskModel.from_preset(tmp_path / "hf")
    assert again.head.name == "masked_lm"
    assert_same_weights(again, model)


def test_a_presets_published_head_is_taken(tmp_path, monkeypatch):
    model = model_of(load_checkpoint(RECORDED / "masked_lm"))
    model.save_to_preset(tmp_path / "hf")
    (tmp_path / "hf/task.json").unlink()
    config = model.encoder.get_config()
    info = catalog.PresetInfo(
        name="published",
        description="",
        config={k: v for k, v in config.items() if k not in _UNWANTED},
        tokenizer={"lowercase": True, "strip_accents": None},
        num_parameters=0,
        source=str(tmp_path / "hf"),
        licence="",
        reference="",
        language="",
        hub_name="",
    )
    monkeypatch.setattr(
        "keras_bert_zoo.presets.loading.preset_info", lambda name: info
    )
    monkeypatch.setattr(
        "keras_bert_zoo.presets.loading.preset_names", lambda: ["published"]
    )
    found = TaskModel.from_preset("published", head="masked_lm")
    assert_same_weights(found, model)


_UNWANTED = ("dtype", "name", "trainable")
