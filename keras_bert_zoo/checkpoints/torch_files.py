"""The arrays in a file of PyTorch's own, such as `pytorch_model.bin`.

Read without PyTorch, in both of its formats: the zip archive, and the stream
that was written before version 1.6. Both hold a pickle, which says what
tensors there are, and the numbers as raw bytes beside it.

A pickle is a program, and an unrestricted one may call anything. This one may
not, and so is safe to load from anybody:

- Before it is run, its opcodes are checked against a list of those that build
  numbers, strings, lists, tuples and dicts, or ask for a global. Those that
  make instances of classes are not on it. Tuples must be nested as little as
  tensors need: a dict would take forever to find its place for others.
- A global is one of a few names, each of which gives a function or a name of
  this module in its place; nothing is imported. What a call of them returns
  are immutable tuples, and dicts that take no attributes.
- A persistent id gives the description of a storage: its type, its key, and
  how many numbers it has.
- What is described must lie inside the file: storages in the archive or the
  stream, tensors in their storages. No size is believed before that, and no
  array is made when a file is opened.

Whatever else a pickle asks for is refused by its name.
"""

import contextlib
import functools
import io
import math
import pathlib
import pickle
import pickletools
import struct
import zipfile
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any
from typing import BinaryIO
from typing import NamedTuple

import numpy as np

from keras_bert_zoo.checkpoints.rules import Variables
from keras_bert_zoo.errors import InputError

NAME = "torch"
SINGLE = "pytorch_model.bin"
INDEX = "pytorch_model.bin.index.json"
SUFFIXES = (".bin", ".pt", ".pth", ".pkl")

# How a stream begins: two pickles of one number each.
_MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
_PROTOCOL_VERSION = 1001
# How an archive begins, and each file in it.
_ZIP = b"PK\x03\x04"
_LOCAL_HEADER = struct.Struct("<26xHH")
# Names of a state dict inside of a dict.
_STATE_DICTS = ("state_dict", "model_state_dict", "model")
_MOST_DIMENSIONS = 32
_MOST_NESTED = 8

# Class of a storage in `torch` -> how its numbers are stored.
_STORAGES = {
    "BFloat16Storage": "bfloat16",
    "BoolStorage": "?",
    "ByteStorage": "|u1",
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "IntStorage": "<i4",
    "LongStorage": "<i8",
}

_OPCODES = frozenset(
    "PROTO FRAME STOP MARK NONE NEWTRUE NEWFALSE INT LONG LONG1 LONG4 BININT "
    "BININT1 BININT2 FLOAT BINFLOAT STRING BINSTRING SHORT_BINSTRING UNICODE "
    "BINUNICODE SHORT_BINUNICODE BINUNICODE8 EMPTY_LIST LIST APPEND APPENDS "
    "EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_DICT DICT SETITEM SETITEMS "
    "GET BINGET LONG_BINGET PUT BINPUT LONG_BINPUT MEMOIZE GLOBAL "
    "STACK_GLOBAL REDUCE BUILD BINPERSID".split()
)
_GETS = ("GET", "BINGET", "LONG_BINGET")
_PUTS = ("PUT", "BINPUT", "LONG_BINPUT")


class Storage(NamedTuple):
    """Numbers in a row, of which tensors are made.

    Attributes:
        key: str. Names its bytes in the file.
        dtype: str. One of the values of `_STORAGES`.
        start: int. The first of the numbers that belong to it.
        size: int. How many they are.
    """

    key: str
    dtype: str
    start: int
    size: int


class Tensor(NamedTuple):
    """A view of a storage.

    Attributes:
        storage: Storage.
        offset: int. Its first number in the storage.
        shape: tuple of int.
        strides: tuple of int. How many numbers lie between two neighbours.
    """

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def extent(self) -> int:
        """How many numbers there are from its first to its last."""
        if 0 in self.shape:
            return 0
        steps = zip(self.shape, self.strides, strict=True)
        return 1 + sum((count - 1) * stride for count, stride in steps)


class _Mapping(dict):
    """Stands for an `OrderedDict`, whose attributes are forgotten."""

    __slots__ = ()

    def __setstate__(self, state: Any) -> None:
        """Takes `_metadata`, the versions of a model's layers."""


class _Function:
    """A function that a pickle may call, and can leave nothing in."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable):
        self._function = function

    def __call__(self, *arguments):
        return self._function(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("a function has no state")


def _rebuild_tensor(
    storage: Storage, offset: int, shape: tuple, strides: tuple, *_: Any
) -> Tensor:
    """Describes a tensor; gradients, hooks and metadata are dropped."""
    numbers = (offset, *shape, *strides)
    if not isinstance(storage, Storage) or not all(map(_is_count, numbers)):
        raise pickle.UnpicklingError("a tensor is made of a storage and counts")
    if len(shape) != len(strides) or len(shape) > _MOST_DIMENSIONS:
        raise pickle.UnpicklingError("a tensor has a stride per dimension")
    tensor = Tensor(storage, offset, tuple(shape), tuple(strides))
    if offset + tensor.extent > storage.size or math.prod(shape) > storage.size:
        raise pickle.UnpicklingError("a tensor lies inside of its storage")
    return tensor


def _rebuild_parameter(tensor: Tensor, *_: Any) -> Tensor:
    if not isinstance(tensor, Tensor):
        raise pickle.UnpicklingError("a parameter is a tensor")
    return tensor


_FUNCTIONS = {
    ("collections", "OrderedDict"): _Mapping,
    ("torch._utils", "_rebuild_tensor"): _rebuild_tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
}


class _Nesting:
    """Follows how deep the tuples of a pickle are nested."""

    def __init__(self):
        self._stack: list[int | None] = []  # None: pickle MARK
        self._memo: dict[int, int] = {}

    def follow(self, opcode: pickletools.OpcodeInfo, argument: Any) -> None:
        """Takes the next opcode, one of `_OPCODES`.

        Raises:
            ValueError: if it makes a tuple that is nested too deep.
            IndexError, KeyError: if it needs what is not there.
        """
        stack, memo = self._stack, self._memo
        if opcode.name in _PUTS or opcode.name == "MEMOIZE":
            memo[len(memo) if argument is None else argument] = stack[-1] or 0
            return
        if opcode.name in _GETS:
            stack.append(memo[argument])
            return
        taken = []
        for kind in reversed(opcode.stack_before):
            if kind is pickletools.stackslice:
                while stack[-1] is not None:
                    taken.append(stack.pop())
            else:
                taken.append(stack.pop() or 0)
        depth = 0
        if opcode.name.startswith("TUPLE"):
            depth = 1 + max(taken, default=0)
        if depth > _MOST_NESTED:
            raise ValueError("tuples are nested too deep")
        is_mark = opcode.stack_after == [pickletools.markobject]
        stack += [None if is_mark else depth] * len(opcode.stack_after)


class _Unpickler(pickle.Unpickler):
    """Runs a pickle that `_content` has checked; see the module's text."""

    def __init__(self, content: bytes, path: pathlib.Path):
        super().__init__(io.BytesIO(content), encoding="utf-8")
        self._path = path
        self.storages: dict[str, Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        if (module, name) in _FUNCTIONS:
            return _Function(_FUNCTIONS[module, name])
        raise _refused(self._path, f"{module}.{name}")

    def persistent_load(self, pid: Any) -> Storage:
        if not isinstance(pid, tuple) or pid[0] != "storage":
            raise pickle.UnpicklingError("a persistent id is a storage")
        dtype, key, _, size, *views = pid[1:]
        if (
            dtype not in _STORAGES.values()
            or not isinstance(key, str)
            or not _is_count(size)
        ):
            raise pickle.UnpicklingError("a storage has type, key and size")
        storage = Storage(key, dtype, 0, size)
        if self.storages.setdefault(key, storage) != storage:
            raise pickle.UnpicklingError("a storage has one type and one size")
        for view in views:
            if view is None:
                continue
            _, start, count = view
            if not (_is_count(start) and _is_count(count)):
                raise pickle.UnpicklingError("a view is made of counts")
            if start + count > size:
                raise pickle.UnpicklingError("a view lies inside of a storage")
            storage = Storage(key, dtype, start, count)
        return storage


def open_file(path: pathlib.Path) -> Variables:
    """Returns the tensors of a file by name, none read yet.

    Raises:
        InputError: if the file is no state dict of PyTorch's, is truncated
            or damaged, or its pickle asks for anything but tensors.
    """
    with _errors_named(path), path.open("rb") as stream:
        is_archive = stream.read(len(_ZIP)) == _ZIP
        stream.seek(0)
        places, saved = (_archive if is_archive else _stream)(stream, path)
        tensors = _named_tensors(saved, path)
    return Variables(
        {name: tensor.shape for name, tensor in tensors.items()},
        lambda name: _read(path, places, tensors[name]),
    )


def _archive(
    stream: BinaryIO, path: pathlib.Path
) -> tuple[dict[str, int], Any]:
    """Returns where each storage begins in the file, and what was saved."""
    entries: dict[str, zipfile.ZipInfo] = {}
    for entry in zipfile.ZipFile(stream).infolist():
        parts = entry.filename.split("/")
        if "\\" in entry.filename or {"", ".", ".."} & set(parts[:-1]):
            raise InputError(
                f"{path} must hold files inside of it. Received: "
                f"{entry.filename!r}. Do not load this model."
            )
        # As PyTorch writes them: neither compressed nor encrypted.
        whole = entry.compress_size == entry.file_size
        if entry.compress_type or entry.flag_bits & 1 or not whole:
            raise ValueError(f"{entry.filename} is compressed")
        if entry.filename in entries:
            raise ValueError(f"{entry.filename} is there twice")
        entries[entry.filename] = entry
    roots = [
        name.removesuffix("data.pkl")
        for name in entries
        if name.endswith("/data.pkl") and name.count("/") == 1
    ]
    if len(roots) != 1:
        raise ValueError(f"{len(roots)} files data.pkl")
    (root,) = roots
    order = entries.get(f"{root}byteorder")
    if order and _bytes_of(stream, order) != b"little":
        raise ValueError("numbers that are not little-endian")
    pickled = io.BytesIO(_bytes_of(stream, entries[f"{root}data.pkl"]))
    unpickler = _Unpickler(_content(pickled, path), path)
    saved = unpickler.load()
    places = {}
    for key, storage in unpickler.storages.items():
        entry = entries[f"{root}data/{key}"]
        if _num_bytes(storage) != entry.file_size:
            raise ValueError(f"storage {key} has another size")
        places[key] = _place(stream, entry)
    return places, saved


def _stream(stream: BinaryIO, path: pathlib.Path) -> tuple[dict[str, int], Any]:
    """Returns what `_archive` does, of the format before version 1.6."""
    load = functools.partial(_load, stream, path)
    if load() != _MAGIC_NUMBER or load() != _PROTOCOL_VERSION:
        raise ValueError("neither an archive nor a stream of PyTorch's")
    load()  # Sizes of types. The numbers are little-endian in any case.
    unpickler = _Unpickler(_content(stream, path), path)
    saved = unpickler.load()
    keys = load()
    storages = unpickler.storages
    if not isinstance(keys, list) or sorted(keys) != sorted(storages):
        raise ValueError("other storages than its tensors have")
    places = {}
    for key in keys:
        (size,) = struct.unpack("<q", _exactly(stream, 8))
        if size != storages[key].size:
            raise ValueError(f"storage {key} has another size")
        places[key] = stream.tell()
        stream.seek(_num_bytes(storages[key]), io.SEEK_CUR)
    if stream.tell() > path.stat().st_size:
        raise ValueError("it ends too early")
    return places, saved


def _load(stream: BinaryIO, path: pathlib.Path) -> Any:
    return _Unpickler(_content(stream, path), path).load()


def _content(stream: BinaryIO, path: pathlib.Path) -> bytes:
    """Returns the bytes of the next pickle, whose opcodes are allowed."""
    start = stream.tell()
    nesting = _Nesting()
    for count, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
        if opcode.name not in _OPCODES:
            what = "" if argument is None else f" {argument!r:.80}"
            raise _refused(path, f"the opcode {opcode.name}{what}")
        # A table that long would be made for it.
        if opcode.name in _PUTS and argument > count:
            raise ValueError("a number of the memo is too high")
        nesting.follow(opcode, argument)
    end = stream.tell()
    stream.seek(start)
    return _exactly(stream, end - start)


def _named_tensors(saved: Any, path: pathlib.Path) -> Mapping[str, Tensor]:
    if isinstance(saved, dict):
        # Training loops keep other things beside it.
        inner = [saved[key] for key in _STATE_DICTS if key in saved]
        saved = next((one for one in inner if isinstance(one, dict)), saved)
    odd = f"a {type(saved).__name__}"
    if isinstance(saved, dict):
        # Not what they hold: one may hold another a million times.
        odd = ", ".join(
            f"a {type(value).__name__} under {name[:80]!r}"
            if isinstance(name, str)
            else f"a name that is a {type(name).__name__}"
            for name, value in saved.items()
            if not isinstance(name, str) or not isinstance(value, Tensor)
        )
    if odd:
        raise InputError(
            f"{path} must hold a state dict: tensors by name. Received: "
            f"{odd:.300}. Save it with torch.save(model.state_dict(), ...)."
        )
    return saved


def _read(
    path: pathlib.Path, places: Mapping[str, int], tensor: Tensor
) -> np.ndarray:
    """Returns a tensor's array; bfloat16 as float32, which holds the same."""
    storage = tensor.storage
    is_bfloat16 = storage.dtype == "bfloat16"
    dtype = np.dtype("<u2" if is_bfloat16 else storage.dtype)
    first = storage.start + tensor.offset
    with _errors_named(path), path.open("rb") as stream:
        stream.seek(places[storage.key] + first * dtype.itemsize)
        content = _exactly(stream, tensor.extent * dtype.itemsize)
    strides = tuple(stride * dtype.itemsize for stride in tensor.strides)
    array = np.ndarray(tensor.shape, dtype, content, strides=strides)
    if is_bfloat16:
        return (array.astype("<u4") << 16).view("<f4")
    return np.ascontiguousarray(array)


def _num_bytes(storage: Storage) -> int:
    dtype = "<u2" if storage.dtype == "bfloat16" else storage.dtype
    return storage.size * np.dtype(dtype).itemsize


def _place(stream: BinaryIO, entry: zipfile.ZipInfo) -> int:
    """Returns where the bytes of a file in an archive begin."""
    stream.seek(entry.header_offset)
    header = _exactly(stream, _LOCAL_HEADER.size)
    if not header.startswith(_ZIP):
        raise ValueError(f"{entry.filename} is not where it should be")
    return stream.tell() + sum(_LOCAL_HEADER.unpack(header))


def _bytes_of(stream: BinaryIO, entry: zipfile.ZipInfo) -> bytes:
    stream.seek(_place(stream, entry))
    return _exactly(stream, entry.file_size)


def _exactly(stream: BinaryIO, num_bytes: int) -> bytes:
    content = stream.read(num_bytes)
    if len(content) != num_bytes:
        raise ValueError("it ends too early")
    return content


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _refused(path: pathlib.Path, what: str) -> InputError:
    return InputError(
        f"{path}: a file of weights may hold tensors alone. Received a pickle "
        f"that asks for {what}, which was not run. If you trust the file, save "
        "the weights alone: torch.save(model.state_dict(), ...)."
    )


@contextlib.contextmanager
def _errors_named(path: pathlib.Path) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    # Whatever bytes that are no such file make of a reader.
    except Exception as error:
        raise InputError(
            f"{path} must be a whole file of PyTorch's. Received a file that "
            f"cannot be read: {type(error).__name__}: {str(error)[:200]}. "
            "Fetch it again."
        ) from error
