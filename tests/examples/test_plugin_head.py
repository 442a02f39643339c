"""The example plugin does what CONTRIBUTING says a plugin can do."""

import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from keras_bert_zoo import InputError
from keras_bert_zoo.testing import check_head

PLUGIN = pathlib.Path(__file__).parents[2] / "examples" / "plugin_head"
ROWS = [
    {"text": "would buy again", "stars": "5"},
    {"text": "fell apart", "stars": "1"},
    {"text": "does the job", "stars": 3},
]
USE = """
import sys
import keras_bert_zoo as zoo
from keras_bert_zoo.testing import tiny_encoder
from keras_bert_zoo.testing import tiny_tokenizer
from keras_bert_zoo.registry import heads

texts = ["would buy again", "fell apart", "does the job"]
tokenizer = tiny_tokenizer(texts)
encoder = tiny_encoder(len(tokenizer.vocabulary))
head = heads.get("stars")(num_stars=5)
model = zoo.TaskModel(encoder, head, tokenizer)
model.fit(texts * 4, [5, 1, 3] * 4, verbose=0)
model.save_to_preset(sys.argv[1])
again = zoo.TaskModel.from_preset(sys.argv[1])
same = again.predict_text(texts) == model.predict_text(texts)
print("stars" in heads.names(), same)
"""


@pytest.fixture(scope="module")
def head_class():
    spec = importlib.util.spec_from_file_location(
        "star_rating", PLUGIN / "star_rating.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.StarRatingHead


@pytest.mark.slow
def test_head_keeps_the_contract(head_class):
    check_head(head_class(num_stars=5), ROWS)


def test_wrong_stars_are_refused(head_class):
    with pytest.raises(InputError, match="from 1 to 5. Received: '6'"):
        head_class().example({"text": "wow", "stars": "6"}, with_label=True)


@pytest.mark.slow
def test_installed_package_is_found_by_name(tmp_path):
    source = shutil.copytree(PLUGIN, tmp_path / "source")
    target = tmp_path / "installed"
    subprocess.run(
        [
            *[sys.executable, "-m", "pip", "install", "--quiet", "--no-index"],
            *["--no-deps", "--no-build-isolation", "--target", target, source],
        ],
        check=True,
    )
    done = subprocess.run(
        [sys.executable, "-c", USE, str(tmp_path / "preset")],
        env={**os.environ, "PYTHONPATH": str(target)},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "True True\n", done.stderr
