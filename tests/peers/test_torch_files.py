"""Live comparison with PyTorch's own files, in both of its formats.

PyTorch lives in an environment of its own: `KBZ_PEERS_PYTHON` names its
interpreter, `.venv-peers/bin/python` by default.
"""

import os
import pathlib
import subprocess

import numpy as np
import pytest

from keras_bert_zoo.checkpoints.torch_files import open_file

ROOT = pathlib.Path(__file__).parents[2]
PYTHON = pathlib.Path(
    os.environ.get("KBZ_PEERS_PYTHON", ROOT / ".venv-peers/bin/python")
)

# Saves one state dict in both formats, and as plain arrays.
SCRIPT = """
import sys
import numpy
import torch
import transformers

directory = sys.argv[1]
config = transformers.BertConfig(
    vocab_size=40,
    hidden_size=16,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=32,
)
torch.manual_seed(0)
tensors = transformers.BertForPreTraining(config).state_dict()
table = torch.arange(24.0).reshape(4, 6)
tensors["whole"] = table
tensors["transposed"] = table.T
tensors["part"] = table[1:, 2:5]
tensors["parameter"] = torch.nn.Parameter(table[0])
tensors["scalar"] = torch.tensor(3.5)
tensors["empty"] = torch.zeros(0, 3)
for name in ("float16", "bfloat16", "float64", "int64", "int32", "uint8"):
    tensors[name] = torch.arange(6).reshape(2, 3).to(getattr(torch, name)).T
tensors["bool"] = torch.tensor([True, False])
torch.save(tensors, directory + "/zip.bin")
torch.save(
    tensors,
    directory + "/stream.bin",
    _use_new_zipfile_serialization=False,
)
numpy.savez(
    directory + "/expected.npz",
    **{
        name: (
            tensor.detach().float()
            if tensor.dtype == torch.bfloat16
            else tensor.detach()
        ).numpy()
        for name, tensor in tensors.items()
    },
)
"""

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(
        not PYTHON.exists(),
        reason="no interpreter with PyTorch (KBZ_PEERS_PYTHON)",
    ),
]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    directory = tmp_path_factory.mktemp("torch")
    subprocess.run(
        [PYTHON, "-c", SCRIPT, directory], check=True, capture_output=True
    )
    return directory


@pytest.mark.parametrize("name", ["zip.bin", "stream.bin"])
def test_state_dict_is_read_as_saved(saved, name):
    found = open_file(saved / name)
    expected = np.load(saved / "expected.npz")
    assert sorted(found.shapes) == sorted(expected)
    for one in expected:
        array = found.read(one)
        assert found.shapes[one] == expected[one].shape
        assert array.dtype == expected[one].dtype
        np.testing.assert_array_equal(array, expected[one], one)
