"""PyTorch's own files: what is read, and what is refused and never run."""

import os
import pickle
import zipfile

import ml_dtypes
import numpy as np
import pytest
import torch_pickles as torch

from keras_bert_zoo.checkpoints.torch_files import open_file
from keras_bert_zoo.errors import InputError

DTYPES = {name: name for name in torch.STORAGES}
DTYPES["bfloat16"] = ml_dtypes.bfloat16


def write(path, form, pickled, array):
    """Writes a file with one storage, "0", of an array's numbers."""
    if form == "archive":
        torch.write_archive(path, pickled, {"0": array.tobytes()})
    else:
        stored = {"0": (array.size, array.tobytes())}
        torch.write_stream(path, pickled, stored)


@pytest.fixture(params=["archive", "stream"])
def form(request):
    return request.param


@pytest.fixture
def path(tmp_path):
    return tmp_path / "pytorch_model.bin"


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_type_is_read(path, form, dtype):
    array = np.array([[0, 1, 1], [1, 0, 1]]).astype(DTYPES[dtype])
    stored = torch.storage("0", dtype, 6)
    one = torch.tensor(stored, (2, 3), (3, 1))
    write(path, form, torch.state_dict({"a": one}), array)
    found = open_file(path)
    assert found.shapes == {"a": (2, 3)}
    expected = "float32" if dtype == "bfloat16" else dtype
    assert found.read("a").dtype == expected
    np.testing.assert_array_equal(found.read("a"), array.astype(expected))


def test_views_of_one_storage_are_read(path, form):
    array = np.arange(12, dtype="float32")
    stored = torch.storage("0", "float32", 12)
    views = {
        "whole": torch.tensor(stored, (3, 4), (4, 1)),
        "transposed": torch.tensor(stored, (4, 3), (1, 4)),
        "column": torch.tensor(stored, (3,), (4,), offset=2),
        "row": torch.tensor(stored, (1, 4), (4, 1), offset=8),
        "scalar": torch.tensor(stored, (), (), offset=5),
        "empty": torch.tensor(stored, (0, 4), (4, 1)),
    }
    write(path, form, torch.state_dict(views), array)
    found = open_file(path)
    whole = array.reshape(3, 4)
    expected = {
        "whole": whole,
        "transposed": whole.T,
        "column": whole[:, 2],
        "row": whole[2:],
        "scalar": np.array(5),
        "empty": whole[:0],
    }
    assert found.shapes == {name: a.shape for name, a in expected.items()}
    for name, one in expected.items():
        np.testing.assert_array_equal(found.read(name), one, name)
        assert found.read(name).flags.c_contiguous


def test_view_that_a_stream_describes_is_read(path):
    view = torch.row(torch.text("view"), torch.number(4), torch.number(2))
    stored = torch.storage("0", "float32", 8, view)
    one = torch.tensor(stored, (2,), (1,))
    array = np.arange(8, dtype="float32")
    write(path, "stream", torch.state_dict({"a": one}), array)
    assert open_file(path).read("a").tolist() == [4, 5]


def test_parameter_is_its_tensor(path, form):
    one = torch.tensor(torch.storage("0", "float32", 2), (2,), (1,))
    parameter = b"ctorch._utils\n_rebuild_parameter\n"
    parameter += torch.row(one, b"\x88", torch.MAPPING) + b"R"
    array = np.arange(2, dtype="float32")
    write(path, form, torch.state_dict({"a": parameter}), array)
    assert open_file(path).read("a").tolist() == [0, 1]


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict", "model"])
def test_a_state_dict_may_stand_beside_what_a_training_loop_keeps(path, key):
    one = torch.tensor(torch.storage("0", "float32", 2), (2,), (1,))
    inner = torch.MAPPING + torch.text("a") + one + b"s"
    saved = b"}" + torch.text(key) + inner + b"s"
    saved += torch.text("epoch") + torch.number(3) + b"s."
    write(path, "archive", b"\x80\x02" + saved, np.arange(2, dtype="float32"))
    assert open_file(path).read("a").tolist() == [0, 1]


class Hostile:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_that_runs_something_is_refused_by_name(
    path, form, tmp_path, protocol
):
    made = tmp_path / "made"
    pickled = pickle.dumps({"a": Hostile(os.mkdir, str(made))}, protocol)
    write(path, form, pickled, np.zeros(1, "float32"))
    with pytest.raises(InputError, match=rf"asks for {os.name}\.mkdir,"):
        open_file(path)
    assert not made.exists()


@pytest.mark.parametrize(
    ("pickled", "name"),
    [
        (b"cbuiltins\neval\n(X\x01\x00\x00\x001tR.", r"builtins\.eval"),
        (b"ctorch\nload\n(X\x01\x00\x00\x001tR.", r"torch\.load"),
        (
            b"ctorch.storage\n_load_from_bytes\n(C\x010tR.",
            r"torch\.storage\._load_from_bytes|BINBYTES",
        ),
        (b"(X\x01\x00\x00\x001ios\nsystem\n.", "the opcode INST 'os system'"),
        (b"(cos\nsystem\nX\x01\x00\x00\x001o.", "the opcode OBJ"),
        (b"ccollections\nOrderedDict\n)\x81.", "the opcode NEWOBJ"),
        (b"\x82\x01.", "the opcode EXT1 1"),
        (b"P0\n.", "the opcode PERSID '0'"),
        (
            b"c__main__\nModel\n)R.",
            r"__main__\.Model",
        ),
    ],
)
def test_what_builds_more_than_tensors_is_refused_by_name(path, pickled, name):
    torch.write_archive(path, pickled, {})
    with pytest.raises(InputError, match=f"asks for {name}.*was not run"):
        open_file(path)


@pytest.mark.parametrize(
    "pickled",
    [
        # State for a function, which would change it for all.
        b"ctorch._utils\n_rebuild_tensor_v2\n}X\x01\x00\x00\x00aKKsb.",
        b"ctorch._utils\n_rebuild_tensor_v2\nN}X\x01\x00\x00\x00aKKs\x86b.",
        b"(X\x07\x00\x00\x00storageX\x01\x00\x00\x000tQ.",
        b"X\x07\x00\x00\x00storageQ.",
        b")Q.",
        b"NN\x86R.",
        # A table of the memo that would be four thousand million long.
        b"Nr\xff\xff\xff\xff.",
        # Tuples of tuples, whose hash would take a million years.
        b"}Nq\x00" + b"h\x00h\x00\x86q\x00" * 60 + b"Ns.",
        b"}" + b"N" + b"\x85" * 1_000_000 + b"Ns.",
        b"X\xff\xff\xff\xffabc.",
        b"}",
        b".",
        b"",
    ],
)
def test_damaged_pickle_is_refused(path, form, pickled):
    write(path, form, pickled, np.zeros(1, "float32"))
    with pytest.raises(InputError, match="must be a whole file of PyTorch's"):
        open_file(path)


@pytest.mark.parametrize(
    ("size", "shape", "strides", "offset"),
    [
        (4, (5,), (1,), 0),
        (4, (2, 2), (3, 1), 0),
        (4, (2, 2), (2, 1), 1),
        (4, (2,), (-1,), 1),
        (4, (2,), (1, 1), 0),
        (4, (10**9, 10**9), (0, 0), 0),
        (10**12, (4,), (1,), 0),
        (3, (3,), (1,), 0),
        (4, (4,), (1,), 2**60),
    ],
)
def test_sizes_beyond_the_file_are_refused(
    path, form, size, shape, strides, offset
):
    one = torch.tensor(
        torch.storage("0", "float32", size), shape, strides, offset
    )
    array = np.arange(4, dtype="float32")
    write(path, form, torch.state_dict({"a": one}), array)
    with pytest.raises(InputError, match="must be a whole file of PyTorch's"):
        open_file(path)


@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.5, 0.95])
def test_truncated_file_is_refused(path, form, fraction):
    one = torch.tensor(torch.storage("0", "float32", 100), (100,), (1,))
    array = np.zeros(100, "float32")
    write(path, form, torch.state_dict({"a": one}), array)
    content = path.read_bytes()
    path.write_bytes(content[: int(fraction * len(content))])
    with pytest.raises(InputError, match="pytorch_model.bin must be a whole"):
        open_file(path)


@pytest.mark.parametrize("name", ["../x", "/x", "archive/../x", "a\\b"])
def test_archive_with_paths_outside_of_it_is_refused(path, name):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", torch.state_dict({}))
        archive.writestr(name, b"")
    with pytest.raises(InputError, match="must hold files inside of it"):
        open_file(path)


def test_compressed_archive_is_refused(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", torch.state_dict({}))
    with pytest.raises(InputError, match="data.pkl is compressed"):
        open_file(path)


def test_big_endian_archive_is_refused(path):
    pickled = torch.state_dict({})
    torch.write_archive(path, pickled, {}, byteorder=b"big")
    with pytest.raises(InputError, match="not little-endian"):
        open_file(path)


@pytest.mark.parametrize(
    ("pickled", "what"),
    [
        (pickle.dumps({"epoch": 3}, 2), "a int under 'epoch'"),
        (pickle.dumps({3: 3}, 2), "a name that is a int"),
        (pickle.dumps([1], 2), "a list"),
    ],
)
def test_what_is_no_state_dict_is_named(path, form, pickled, what):
    write(path, form, pickled, np.zeros(1, "float32"))
    if form == "stream":
        torch.write_stream(path, pickled, {})
    with pytest.raises(InputError, match=f"must hold a state dict.*{what}"):
        open_file(path)
