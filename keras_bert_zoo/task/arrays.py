"""Reads arrays of HDF5 files that others may have written."""

import pathlib
from collections.abc import Mapping

import h5py
import numpy as np

from keras_bert_zoo.errors import InputError


def read_arrays(
    path: pathlib.Path, shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, np.ndarray]:
    """Returns float arrays by name.

    Nothing outside of the file is read, and nothing of another size.

    Args:
        path: the file.
        shapes: name -> shape of each array in it.

    Raises:
        InputError: if the file is damaged, or an array is missing, of another
            shape or type, not finite, or stored elsewhere.
    """
    try:
        with h5py.File(path, "r") as store:
            return {
                name: _array(store, name, shape, path)
                for name, shape in shapes.items()
            }
    # What h5py raises for a damaged file has no common base.
    except (OSError, KeyError, RuntimeError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{path} must hold the head's variables. Received a file that "
            f"cannot be read: {error}. Save the model again."
        ) from error


def _array(store, name, shape, path):
    place = ""
    for part in name.split("/"):
        place = f"{place}/{part}"
        if not isinstance(store.get(place, getlink=True), h5py.HardLink):
            raise InputError(
                f"{path} must hold {name!r} itself. Received: none, or a link "
                "to elsewhere. Save the model again."
            )
    dataset = store[name]
    if not isinstance(dataset, h5py.Dataset) or dataset.shape != shape:
        raise InputError(
            f"{path}: {name!r} must have the shape {shape}. Received: "
            f"{getattr(dataset, 'shape', None)}. The file belongs to another "
            "head."
        )
    if dataset.external or dataset.is_virtual or dataset.dtype.kind not in "fV":
        raise InputError(
            f"{path}: {name!r} must hold floats, in the file itself. "
            f"Received: {dataset.dtype}, or values stored elsewhere. Save "
            "the model again."
        )
    values = np.asarray(dataset)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise InputError(
            f"{path}: {name!r} must hold finite numbers. Received: NaN or "
            "infinity. Train again with a lower learning rate."
        )
    return values
