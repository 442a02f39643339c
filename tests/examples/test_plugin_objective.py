"""The example of an objective trains, and masks one run of tokens."""

import importlib.util
import pathlib

import numpy as np
import pytest
import small_corpus
import tensorflow as tf

import keras_bert_zoo as zoo
from keras_bert_zoo import registry

PLUGIN = pathlib.Path(__file__).parents[2] / "examples" / "plugin_objective"


@pytest.fixture(scope="module")
def objective_class():
    spec = importlib.util.spec_from_file_location(
        "masked_run", PLUGIN / "masked_run.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    registry.objectives.register("masked_run", module.MaskedRun)
    yield module.MaskedRun
    registry.objectives.unregister("masked_run")


def test_one_run_of_each_example_is_hidden(objective_class):
    tokenizer = small_corpus.tokenizer()
    rows = [[5, 6, 7, 8, 9, 10, 11, 12, 13, 14], [5], [9, 8, 7]]
    found = objective_class(0.3).features(
        {
            "first": tf.ragged.constant(rows, tf.int32),
            "random_seed": tf.constant([1, 2], tf.int64),
        },
        tokenizer,
        16,
    )
    assert found.labels["masked_lm"].row_lengths().numpy().tolist() == [3, 1, 1]
    for row, places, originals, seen in zip(
        rows,
        found.inputs["mask_positions"].to_list(),
        found.labels["masked_lm"].to_list(),
        found.inputs["token_ids"].to_list(),
        strict=True,
    ):
        assert np.all(np.diff(places) == 1)
        assert [row[place - 1] for place in places] == originals
        assert all(seen[place] == tokenizer.mask_id for place in places)
        assert seen.count(tokenizer.mask_id) == len(places)


@pytest.mark.slow
def test_it_is_chosen_by_name_and_learns(objective_class, tmp_path):
    tokenizer = small_corpus.tokenizer()
    tokenizer.save(tmp_path / "words")
    corpus = tmp_path / "corpus.txt"
    texts = ["\n".join(one.sentences) for one in small_corpus.documents(8)]
    corpus.write_text("\n\n".join(texts))
    result = zoo.pretrain(
        corpus=corpus,
        vocabulary=tmp_path / "words",
        objective="masked_run",
        fraction=0.3,
        num_layers=1,
        hidden_dim=16,
        sequence_length=24,
        steps=8,
        learning_rate=3e-2,
        hold_out=0,
        out=tmp_path / "model",
    )
    assert result.history[-1]["loss"] < result.history[0]["loss"]
    assert (
        'objective = "masked_run"'
        in (tmp_path / "model" / "run.toml").read_text()
    )
