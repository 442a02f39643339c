"""What only the specification does."""

import pytest

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.tokenization.wordpiece.python_tokenizer import (
    PythonTokenizer,
)
from keras_bert_zoo.tokenization.wordpiece.python_tokenizer import Token

_WITHOUT_LIBRARIES = """
import sys
for name in ("tensorflow", "numpy", "keras", "tensorflow_text"):
    sys.modules[name] = None
from keras_bert_zoo.tokenization import PythonTokenizer
from keras_bert_zoo.tokenization import Vocabulary
tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "caf", "##e"]
tokenizer = PythonTokenizer(Vocabulary(tokens), lowercase=True)
print([token.id for token in tokenizer.tokenize("Café")])
"""


def test_tokens_know_their_text_and_span(vocabulary):
    tokens = PythonTokenizer(vocabulary, True).tokenize("é Unable")
    assert tokens[1:] == [
        Token(vocabulary.token_to_id("un"), "un", 2, 4, 3, 5),
        Token(vocabulary.token_to_id("##able"), "##able", 4, 8, 5, 9),
    ]


def test_works_without_tensorflow_and_numpy(run_python):
    assert run_python(_WITHOUT_LIBRARIES) == "[5, 6]"


def test_lone_surrogates_are_refused(vocabulary):
    with pytest.raises(InputError, match=r"U\+D800 at character 1"):
        PythonTokenizer(vocabulary, True).tokenize("a\ud800")


def test_bytes_are_refused(vocabulary):
    with pytest.raises(InputError, match="must be a str. Received: bytes"):
        PythonTokenizer(vocabulary, True).tokenize(b"a")
