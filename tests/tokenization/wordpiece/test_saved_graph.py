"""The graph tokenizer inside a SavedModel."""

import pathlib

import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from keras_bert_zoo.tokenization.wordpiece.graph_tokenizer import GraphTokenizer

TEXTS = ["Hello, world!", "Café 한국 \x07", "", "中文 q\u0307\u0323"]

# Stands in for a server: neither this package nor tensorflow-text.
_SERVE = """
import sys
for name in ("tensorflow_text", "keras_bert_zoo", "keras"):
    sys.modules[name] = None
import tensorflow as tf
texts = sys.argv[2:]
serve = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
found = serve(texts=tf.constant(texts))
print(found["ids"].numpy().tolist(), found["ends"].numpy().tolist())
"""

_LOAD_THROUGH_C = """
import ctypes
import importlib.util
import pathlib
import sys
folder = pathlib.Path(importlib.util.find_spec("tensorflow").origin).parent
mode = ctypes.RTLD_GLOBAL
ctypes.CDLL(str(folder / "libtensorflow_framework.so.2"), mode)
library = ctypes.CDLL(str(folder / "libtensorflow_cc.so.2"), mode)
for name in ("NewStatus", "NewGraph", "NewSessionOptions"):
    getattr(library, f"TF_{name}").restype = ctypes.c_void_p
library.TF_LoadSessionFromSavedModel.restype = ctypes.c_void_p
library.TF_Message.restype = ctypes.c_char_p
status = ctypes.c_void_p(library.TF_NewStatus())
library.TF_LoadSessionFromSavedModel(
    ctypes.c_void_p(library.TF_NewSessionOptions()),
    None,
    sys.argv[1].encode(),
    (ctypes.c_char_p * 1)(b"serve"),
    1,
    ctypes.c_void_p(library.TF_NewGraph()),
    None,
    status,
)
print(library.TF_GetCode(status), library.TF_Message(status).decode())
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory, vocabulary):
    path = tmp_path_factory.mktemp("saved") / "model"
    module = tf.Module()
    module.tokenizer = GraphTokenizer(vocabulary, lowercase=True)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "texts")])
    def serve(texts):
        spans = module.tokenizer.tokenize_with_offsets(texts)
        return {
            "ids": spans.ids.to_tensor(),
            "ends": spans.byte_ends.to_tensor(),
        }

    tf.saved_model.save(module, path, signatures=serve)
    return path


@pytest.mark.slow
def test_serves_without_this_package_and_tensorflow_text(
    saved, vocabulary, run_python
):
    texts = [text for text in TEXTS if "\x07" not in text]
    spans = GraphTokenizer(vocabulary, True).tokenize_with_offsets(texts)
    ids = spans.ids.to_tensor().numpy().tolist()
    ends = spans.byte_ends.to_tensor().numpy().tolist()
    assert run_python(_SERVE, saved, *texts) == f"{ids} {ends}"


@pytest.mark.slow
def test_loads_through_the_c_api(saved, run_python):
    tensorflow = pathlib.Path(tf.__file__).parent
    if not (tensorflow / "libtensorflow_cc.so.2").exists():
        pytest.skip("this build of TensorFlow has no libtensorflow_cc.so.2")
    assert run_python(_LOAD_THROUGH_C, saved) == "0"


def test_holds_no_assets_and_no_tables(saved):
    model = saved_model_pb2.SavedModel()
    model.ParseFromString((saved / "saved_model.pb").read_bytes())
    graph = model.meta_graphs[0].graph_def
    operations = {node.op for node in graph.node}
    for function in graph.library.function:
        operations |= {node.op for node in function.node_def}
    assert "UnicodeDecodeWithOffsets" in operations
    assert not {name for name in operations if "Table" in name}
    assert not {name for name in operations if "Wordpiece" in name}
    assert not any((saved / "assets").iterdir())
