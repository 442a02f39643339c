"""The tokenizer in a Hugging Face directory."""

import pathlib

from keras_bert_zoo.tokenization import Tokenizer
from keras_bert_zoo.tokenization import find_tokenizer
from keras_bert_zoo.tokenization import load_tokenizer

# A directory with one of these has a tokenizer.
_VOCABULARIES = (
    "vocab.txt",
    "vocab.json",
    "tokenizer.json",
    "tokenizer.model",
    "sentencepiece.bpe.model",
    "spiece.model",
)


def read_tokenizer(directory: pathlib.Path) -> Tokenizer | None:
    """Returns the tokenizer of a model directory, `None` where it has none.

    Raises:
        InputError: if a file is corrupt, or no registered tokenizer
            recognizes the files.
    """
    has_one = any((directory / name).is_file() for name in _VOCABULARIES)
    if find_tokenizer(directory) is None and not has_one:
        return None
    return load_tokenizer(directory)
