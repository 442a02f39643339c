"""A run's options are read back from TOML as they were."""

import math
import tomllib

import numpy as np
import pytest

from keras_bert_zoo.arguments import Epochs
from keras_bert_zoo.arguments import Head
from keras_bert_zoo.arguments import Rows
from keras_bert_zoo.arguments import Seed
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.workflows.options import options_of
from keras_bert_zoo.workflows.run_file import read_run_file
from keras_bert_zoo.workflows.run_file import toml_value
from keras_bert_zoo.workflows.run_file import write_run_file


@pytest.mark.parametrize(
    "value",
    [
        "",
        'say "no" \\ now',
        "'single'",
        "".join(map(chr, range(256))),
        "tab\tline\r\nend\x7f\x00",
        "grün 坏 😀 \u2028",
        0,
        -(2**63),
        2**63 - 1,
        0.0,
        -0.0,
        5e-5,
        0.1 + 0.2,
        1e300,
        5e-324,
        1e16,
        math.inf,
        -math.inf,
        True,
        False,
        [],
        ["a", 'b"'],
        [1, 2.5, True],
        [["a"], []],
    ],
)
def test_a_value_comes_back(value):
    found = tomllib.loads(f"key = {toml_value(value)}\n")["key"]
    assert found == value
    assert type(found) is type(value)
    assert str(found) == str(value)


def test_nan_comes_back():
    assert math.isnan(tomllib.loads(f"key = {toml_value(math.nan)}")["key"])


def test_numbers_of_numpy_are_written_as_numbers():
    assert toml_value(np.float64(0.1)) == "0.1"


@pytest.mark.parametrize("value", [None, {"a": 1}, object(), [None]])
def test_another_value_has_no_form(value):
    with pytest.raises(TypeError):
        toml_value(value)


def work(*, head: Head, seed: Seed, epochs: Epochs | None, train: Rows):
    """Works.

    Args:
        head: a
        seed: b
        epochs: c
        train: d
    """


def test_a_run_comes_back_without_what_only_python_can_give(tmp_path):
    values = {"head": "a", "seed": 3, "epochs": None, "train": ["x", "y"]}
    path = tmp_path / "run.toml"
    write_run_file({**values, "labels": ["a"]}, options_of(work), path)
    assert read_run_file(path) == {"head": "a", "seed": 3}
    assert "# train: list" in path.read_text()
    assert "# labels: list" in path.read_text()


def test_names_may_be_written_as_flags(tmp_path):
    (tmp_path / "run.toml").write_text("batch-size = 3\n")
    assert read_run_file(tmp_path / "run.toml") == {"batch_size": 3}


def test_a_byte_order_mark_is_skipped(tmp_path):
    (tmp_path / "run.toml").write_bytes(b"\xef\xbb\xbfseed = 3\n")
    assert read_run_file(tmp_path / "run.toml") == {"seed": 3}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"seed = \n", "line 1"),
        (b"seed = 1\nseed = 2\n", "line 2"),
        (b"batch_size = 1\nbatch-size = 2\n", "batch_size"),
        (b'head = "\xff"\n', "UTF-8"),
    ],
)
def test_a_wrong_file_is_named(tmp_path, content, message):
    path = tmp_path / "run.toml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_run_file(path)
    assert str(path) in str(caught.value)
