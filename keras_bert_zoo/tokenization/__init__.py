"""Tokenization: the published BERT tokenizer, three ways.

`Vocabulary` and `PythonTokenizer` need neither TensorFlow nor numpy; the
other names load TensorFlow when they are first touched.
"""

import importlib

_MODULES = {
    "BertTokenizer": "tokenizer",
    "FastTokenizer": "fast_tokenizer",
    "GraphTokenizer": "graph_tokenizer",
    "PackedRagged": "packing",
    "PythonTokenizer": "python_tokenizer",
    "Token": "python_tokenizer",
    "TokenSpans": "token_spans",
    "Vocabulary": "vocabulary",
    "pack": "packing",
    "pad": "packing",
    "read_huggingface_options": "huggingface_options",
}

__all__ = sorted(_MODULES)


def __getattr__(name):
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_MODULES[name]}")
    return getattr(module, name)


def __dir__():
    return __all__
