"""Files of PyTorch's, written by hand and without it.

Pickles are put together from opcodes, which says what is in them better than
a pickler could; see `pickletools` for their letters.
"""

import pickle
import struct
import zipfile

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
MAPPING = b"ccollections\nOrderedDict\n)R"
STORAGES = {
    "float32": "Float",
    "float16": "Half",
    "bfloat16": "BFloat16",
    "float64": "Double",
    "int64": "Long",
    "int32": "Int",
    "uint8": "Byte",
    "bool": "Bool",
}


def number(value):
    return b"\x8a\x09" + value.to_bytes(9, "little", signed=True)


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def row(*parts):
    return b"(" + b"".join(parts) + b"t"


def numbers(values):
    return row(*map(number, values))


def storage(key, dtype, size, *more):
    kind = f"ctorch\n{STORAGES[dtype]}Storage\n".encode()
    return row(
        text("storage"), kind, text(key), text("cpu"), number(size), *more
    )


def tensor(stored, shape, strides, offset=0):
    """A tensor over what `storage` returned."""
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n"
        + row(
            stored + b"Q",
            number(offset),
            numbers(shape),
            numbers(strides),
            b"\x89",
            MAPPING,
        )
        + b"R"
    )


def state_dict(tensors):
    """A pickled mapping with the attribute that a model's has."""
    items = b"".join(text(name) + one for name, one in tensors.items())
    attributes = b"}" + text("_metadata") + MAPPING + b"s"
    return b"\x80\x02" + MAPPING + b"(" + items + b"u" + attributes + b"b."


def write_archive(path, pickled, stored, root="archive", **changes):
    """Writes the format of today; `stored` has bytes by key."""
    files = {f"data/{key}": content for key, content in stored.items()}
    files = {"data.pkl": pickled, "byteorder": b"little", **files, **changes}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"{root}/{name}", content)


def write_stream(path, pickled, stored):
    """Writes the older format; `stored` has size and bytes by key."""
    begin = [MAGIC_NUMBER, 1001, {"little_endian": True}]
    parts = [pickle.dumps(value, 2) for value in begin]
    parts += [pickled, pickle.dumps(sorted(stored), 2)]
    for _, (size, content) in sorted(stored.items()):
        parts += [struct.pack("<q", size), content]
    path.write_bytes(b"".join(parts))
