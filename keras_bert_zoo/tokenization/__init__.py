"""Tokenization: texts to token ids, and ids to what an encoder reads.

`tokenizer` holds what every tokenizer has in common, `wordpiece` BERT's.
`Vocabulary` and `PythonTokenizer` need neither TensorFlow nor numpy; the
other names load TensorFlow when they are first touched.
"""

import importlib

_MODULES = {
    "AddedToken": "wordpiece.added_tokens",
    "BertTokenizer": "wordpiece.tokenizer",
    "FastTokenizer": "wordpiece.fast_tokenizer",
    "GraphTokenizer": "wordpiece.graph_tokenizer",
    "PackedSequences": "packing",
    "PythonTokenizer": "wordpiece.python_tokenizer",
    "Token": "wordpiece.python_tokenizer",
    "Template": "packing",
    "TokenSpans": "tokenizer",
    "Tokenizer": "tokenizer",
    "Vocabulary": "wordpiece.vocabulary",
    "find_tokenizer": "tokenizer",
    "load_tokenizer": "tokenizer",
    "pack": "packing",
    "pad": "packing",
    "read_huggingface_options": "wordpiece.huggingface_files",
}

__all__ = sorted(_MODULES)


def __getattr__(name):
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_MODULES[name]}")
    return getattr(module, name)


def __dir__():
    return __all__
