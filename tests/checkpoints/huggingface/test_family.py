"""Families of published models, found by their model type."""

import pathlib
import sys

import pytest

from keras_bert_zoo.checkpoints.huggingface import families
from keras_bert_zoo.checkpoints.huggingface.family import family_of
from keras_bert_zoo.errors import InputError

CONFIG = pathlib.Path("model/config.json")
LIKE_BERT = """
import dataclasses
from keras_bert_zoo.checkpoints.huggingface.families.bert import FAMILY
FAMILY = dataclasses.replace(FAMILY, model_type="two-words")
"""


def test_a_file_beside_the_others_is_a_family(tmp_path, monkeypatch):
    (tmp_path / "two_words.py").write_text(LIKE_BERT)
    paths = [*families.__path__, str(tmp_path)]
    monkeypatch.setattr(families, "__path__", paths)
    module = f"{families.__name__}.two_words"
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, module)
    assert family_of("two-words", CONFIG).model_type == "two-words"
    assert family_of("bert", CONFIG).model_type == "bert"


@pytest.mark.parametrize("model_type", ["roberta", None, ["bert"]])
def test_an_unknown_model_type_is_refused(model_type):
    with pytest.raises(InputError, match="config.json: .*'bert'") as caught:
        family_of(model_type, CONFIG)
    assert repr(model_type) in str(caught.value)
