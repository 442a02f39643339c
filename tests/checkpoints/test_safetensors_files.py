"""Reading safetensors: whole and damaged."""

import json
import struct

import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy

from keras_bert_zoo.checkpoints.safetensors_files import SINGLE
from keras_bert_zoo.checkpoints.safetensors_files import open_file
from keras_bert_zoo.errors import InputError

ARRAYS = {
    "a": np.arange(6, dtype="float32").reshape(2, 3),
    "b": np.ones(4, "float16"),
}


def write_raw(directory, header, num_bytes):
    content = json.dumps(header).encode()
    content = struct.pack("<Q", len(content)) + content + bytes(num_bytes)
    (directory / SINGLE).write_bytes(content)


def tensor(start, end, dtype="F32", shape=(2,)):
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


@pytest.mark.parametrize(
    "dtype", [np.float16, ml_dtypes.bfloat16, np.float32, np.float64]
)
def test_floats_are_read_as_stored(tmp_path, dtype):
    array = np.arange(6).astype(dtype)
    safetensors.numpy.save_file({"a": array}, tmp_path / SINGLE)
    found = open_file(tmp_path / SINGLE).read("a")
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, array)


def test_shapes_are_known_before_arrays_are_read(tmp_path):
    safetensors.numpy.save_file(ARRAYS, tmp_path / SINGLE)
    assert open_file(tmp_path / SINGLE).shapes == {"a": (2, 3), "b": (4,)}


@pytest.mark.parametrize("num_bytes", [0, 5, 20, 100, -1])
def test_truncated_file_is_refused(tmp_path, num_bytes):
    path = tmp_path / SINGLE
    safetensors.numpy.save_file(ARRAYS, path)
    path.write_bytes(path.read_bytes()[:num_bytes])
    with pytest.raises(InputError, match="must be a whole safetensors file"):
        open_file(tmp_path / SINGLE)


@pytest.mark.parametrize(
    ("header", "num_bytes"),
    [
        ({"a": tensor(0, 8), "b": tensor(4, 12)}, 12),
        ({"a": tensor(0, 8), "b": tensor(0, 8)}, 8),
        ({"a": tensor(0, 8), "b": tensor(12, 20)}, 20),
        ({"a": tensor(0, 8, shape=(3,))}, 8),
        ({"a": tensor(0, 2**62, shape=(2**60,))}, 8),
        ({"a": 1}, 8),
        ([], 0),
    ],
    ids=[
        "overlapping",
        "same place",
        "hole",
        "wrong size",
        "huge",
        "no tensor",
        "no object",
    ],
)
def test_corrupt_header_is_refused(tmp_path, header, num_bytes):
    write_raw(tmp_path, header, num_bytes)
    with pytest.raises(InputError, match="must be a whole safetensors file"):
        open_file(tmp_path / SINGLE)


def test_huge_header_length_is_refused(tmp_path):
    (tmp_path / SINGLE).write_bytes(b"\xff" * 8 + b"{}")
    with pytest.raises(InputError, match="must be a whole safetensors file"):
        open_file(tmp_path / SINGLE)


def test_unreadable_type_is_named(tmp_path):
    write_raw(tmp_path, {"a": tensor(0, 2, dtype="F8_E4M3")}, 2)
    with pytest.raises(InputError, match="'a' must be of a type among BOOL"):
        open_file(tmp_path / SINGLE)
