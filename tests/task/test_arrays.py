"""Arrays of a file that others may have written."""

import h5py
import numpy as np
import pytest

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task.arrays import read_arrays


@pytest.fixture
def write(tmp_path):
    def write(add):
        with h5py.File(tmp_path / "a.h5", "w") as store:
            add(store)
        return tmp_path / "a.h5"

    return write


def test_reads_what_it_asks_for(write):
    path = write(lambda store: store.create_dataset("a/b", data=np.ones(3)))
    assert read_arrays(path, {"a/b": (3,)})["a/b"].tolist() == [1.0] * 3


def external(store):
    store.create_dataset(
        "b", (2,), "float32", external=[("/etc/hostname", 0, 8)]
    )


def linked(store):
    store["b"] = h5py.ExternalLink("other.h5", "b")


@pytest.mark.parametrize(
    ("add", "message"),
    [
        (external, "stored elsewhere"),
        (linked, "a link to elsewhere"),
        (
            lambda s: s.create_dataset("b", (10**7, 10**7), "float32"),
            "must have the shape",
        ),
        (lambda s: s.create_dataset("b", data=[1, 2]), "must hold floats"),
        (lambda s: s.create_dataset("b", data=[np.nan, 0]), "finite numbers"),
        (lambda s: s.create_dataset("b", data=h5py.Empty("f")), "the shape"),
        (lambda s: s.create_group("b"), "the shape"),
        (lambda s: None, "must hold 'b' itself. Received: none"),
    ],
)
def test_anything_else_is_refused(write, add, message):
    with pytest.raises(InputError, match=message):
        read_arrays(write(add), {"b": (2,)})
