"""Runs a SavedModel through TensorFlow's C API, without TensorFlow's Python.

Arguments: directory of the shared libraries, directory of the SavedModel,
name of the input tensor, name of the output tensor, a text. Prints the first
string of the output.
"""

import ctypes
import pathlib
import sys

TF_STRING = 7
BYTES_OF_A_STRING = 24


def library(directory: str) -> ctypes.CDLL:
    folder = pathlib.Path(directory)
    framework = folder / "libtensorflow_framework.so.2"
    ctypes.CDLL(str(framework), mode=ctypes.RTLD_GLOBAL)
    tf = ctypes.CDLL(str(folder / "libtensorflow_cc.so.2"))
    for name in (
        "TF_NewStatus",
        "TF_NewGraph",
        "TF_NewSessionOptions",
        "TF_LoadSessionFromSavedModel",
        "TF_GraphOperationByName",
        "TF_AllocateTensor",
        "TF_TensorData",
        "TF_StringGetDataPointer",
    ):
        getattr(tf, name).restype = ctypes.c_void_p
    tf.TF_Message.restype = ctypes.c_char_p
    tf.TF_StringGetSize.restype = ctypes.c_size_t
    return tf


class Output(ctypes.Structure):
    _fields_ = [("operation", ctypes.c_void_p), ("index", ctypes.c_int)]


class Client:
    def __init__(self, libraries: str, model: str):
        self.tf = library(libraries)
        self.status = ctypes.c_void_p(self.tf.TF_NewStatus())
        self.graph = ctypes.c_void_p(self.tf.TF_NewGraph())
        options = ctypes.c_void_p(self.tf.TF_NewSessionOptions())
        tags = (ctypes.c_char_p * 1)(b"serve")
        self.session = ctypes.c_void_p(
            self.tf.TF_LoadSessionFromSavedModel(
                options,
                None,
                model.encode(),
                tags,
                1,
                self.graph,
                None,
                self.status,
            )
        )
        self.check()

    def check(self) -> None:
        if self.tf.TF_GetCode(self.status):
            raise SystemExit(self.tf.TF_Message(self.status).decode())

    def output(self, name: str) -> Output:
        operation, _, index = name.partition(":")
        found = self.tf.TF_GraphOperationByName(self.graph, operation.encode())
        return Output(found, int(index or 0))

    def strings(self, text: bytes) -> ctypes.c_void_p:
        dimensions = (ctypes.c_int64 * 1)(1)
        tensor = ctypes.c_void_p(
            self.tf.TF_AllocateTensor(
                TF_STRING, dimensions, 1, ctypes.c_size_t(BYTES_OF_A_STRING)
            )
        )
        place = ctypes.c_void_p(self.tf.TF_TensorData(tensor))
        self.tf.TF_StringInit(place)
        self.tf.TF_StringCopy(place, text, ctypes.c_size_t(len(text)))
        return tensor

    def run(self, feed: str, fetch: str, text: str) -> str:
        inputs = (Output * 1)(self.output(feed))
        outputs = (Output * 1)(self.output(fetch))
        values = (ctypes.c_void_p * 1)(self.strings(text.encode()))
        results = (ctypes.c_void_p * 1)()
        self.tf.TF_SessionRun(
            self.session,
            None,
            inputs,
            values,
            1,
            outputs,
            results,
            1,
            None,
            0,
            None,
            self.status,
        )
        self.check()
        tensor = ctypes.c_void_p(results[0])
        place = ctypes.c_void_p(self.tf.TF_TensorData(tensor))
        size = self.tf.TF_StringGetSize(place)
        pointer = self.tf.TF_StringGetDataPointer(place)
        return ctypes.string_at(pointer, size).decode()


if __name__ == "__main__":
    libraries, model, feed, fetch, text = sys.argv[1:]
    answer = Client(libraries, model).run(feed, fetch, text)
    if "tensorflow" in sys.modules:
        raise SystemExit("the client imported TensorFlow")
    print(answer)
