"""Weights in one file or in several, in either format."""

import json

import numpy as np
import pytest
import safetensors.numpy
import torch_pickles as torch

from keras_bert_zoo.checkpoints import safetensors_files
from keras_bert_zoo.checkpoints import torch_files
from keras_bert_zoo.checkpoints.weight_files import open_weights
from keras_bert_zoo.errors import InputError

ARRAYS = {
    "a": np.arange(6, dtype="float32").reshape(2, 3),
    "b": np.ones(4, "float32"),
}


def write_torch(arrays, path):
    stored = {name: array.tobytes() for name, array in arrays.items()}
    tensors = {
        name: torch.tensor(
            torch.storage(name, "float32", array.size),
            array.shape,
            [stride // 4 for stride in array.strides],
        )
        for name, array in arrays.items()
    }
    torch.write_archive(path, torch.state_dict(tensors), stored)


WRITERS = {
    safetensors_files: safetensors.numpy.save_file,
    torch_files: write_torch,
}


@pytest.fixture(params=WRITERS, ids=["safetensors", "torch"])
def form(request):
    return request.param


def write_shards(form, directory, places, files):
    suffix = form.SUFFIXES[0]
    for name, arrays in files.items():
        WRITERS[form](arrays, directory / f"{name}{suffix}")
    index = {"metadata": {}, "weight_map": places}
    (directory / form.INDEX).write_text(json.dumps(index))


def shard_places(form):
    suffix = form.SUFFIXES[0]
    return {"a": f"x-1{suffix}", "b": f"x-2{suffix}"}


@pytest.mark.parametrize("named", ["directory", "shard"])
def test_shards_are_read_as_one_model(tmp_path, form, named):
    files = {"x-1": {"a": ARRAYS["a"]}, "x-2": {"b": ARRAYS["b"]}}
    places = shard_places(form)
    write_shards(form, tmp_path, places, files)
    path = tmp_path if named == "directory" else tmp_path / places["a"]
    model = open_weights(path)
    assert sorted(model.shapes) == ["a", "b"]
    np.testing.assert_array_equal(model.read("b"), ARRAYS["b"])


def test_file_that_is_named_is_the_one_that_is_read(tmp_path, form):
    for one, write in WRITERS.items():
        write({"b": ARRAYS["b"]}, tmp_path / one.SINGLE)
    path = tmp_path / f"other{form.SUFFIXES[-1]}"
    WRITERS[form]({"a": ARRAYS["a"]}, path)
    assert list(open_weights(path).shapes) == ["a"]


def test_safetensors_are_read_rather_than_a_pickle(tmp_path):
    WRITERS[safetensors_files](ARRAYS, tmp_path / safetensors_files.SINGLE)
    (tmp_path / torch_files.SINGLE).write_bytes(b"damaged")
    assert sorted(open_weights(tmp_path).shapes) == ["a", "b"]


@pytest.mark.parametrize(
    "place", ["../x{}", "/tmp/x{}", "sub/x{}", "..\\x{}", "x.h5", 7]
)
def test_index_cannot_point_elsewhere(tmp_path, form, place):
    if isinstance(place, str):
        place = place.format(form.SUFFIXES[0])
    write_shards(form, tmp_path, {"a": place}, {})
    with pytest.raises(InputError, match="must name .* files beside"):
        open_weights(tmp_path)


def test_missing_shard_is_named(tmp_path, form):
    write_shards(form, tmp_path, shard_places(form), {})
    with pytest.raises(InputError, match=r"x-1\.[a-z]+ must be a whole"):
        open_weights(tmp_path)


def test_shard_without_its_variable_is_named(tmp_path, form):
    places = {"a": shard_places(form)["a"]}
    write_shards(form, tmp_path, places, {"x-1": {"b": ARRAYS["b"]}})
    with pytest.raises(InputError, match=r"'a' in x-1\.[a-z]+, which lacks"):
        open_weights(tmp_path)


def test_variable_in_two_shards_is_refused(tmp_path, form):
    files = {"x-1": ARRAYS, "x-2": ARRAYS}
    write_shards(form, tmp_path, shard_places(form), files)
    with pytest.raises(InputError, match="must stand in one file"):
        open_weights(tmp_path)


@pytest.mark.parametrize("places", [None, [], {}])
def test_index_without_a_map_is_refused(tmp_path, form, places):
    write_shards(form, tmp_path, places, {})
    with pytest.raises(InputError, match="under 'weight_map'"):
        open_weights(tmp_path)
