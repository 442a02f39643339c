"""Recorded expectations, engines built once, and processes of their own."""

import dataclasses
import functools
import json
import os
import pathlib
import subprocess
import sys

import pytest

from keras_bert_zoo.tokenization.wordpiece import fast_tokenizer
from keras_bert_zoo.tokenization.wordpiece import graph_tokenizer
from keras_bert_zoo.tokenization.wordpiece import python_tokenizer
from keras_bert_zoo.tokenization.wordpiece.vocabulary import Vocabulary

_RECORDED = pathlib.Path(__file__).with_name("expected_tokens.json")
_ROOT = pathlib.Path(__file__).parents[3]

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


class PythonRows:
    """Gives the specification the interface of the other engines."""

    def __init__(self, *arguments):
        self._tokenizer = python_tokenizer.PythonTokenizer(*arguments)

    def rows(self, texts):
        return [
            [_columns(token) for token in self._tokenizer.tokenize(text)]
            for text in texts
        ]


class TensorRows:
    """Turns the tensors of an engine into rows of plain tuples."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer

    def rows(self, texts):
        spans = self.tokenizer.tokenize_with_offsets(texts)
        columns = [
            getattr(spans, field.name).to_list()
            for field in dataclasses.fields(spans)
        ]
        return [
            list(zip(*row, strict=True)) for row in zip(*columns, strict=True)
        ]


def _columns(token):
    return (
        token.id,
        token.byte_start,
        token.byte_end,
        token.char_start,
        token.char_end,
    )


@pytest.fixture(scope="session")
def recorded():
    return json.loads(_RECORDED.read_text(encoding="ascii"))


@pytest.fixture(scope="session")
def vocabulary(recorded):
    return Vocabulary(recorded["vocabulary"])


@pytest.fixture(scope="session")
def make_engine(vocabulary):
    """Returns a function from engine name and options to an engine."""
    engines = {
        "python": PythonRows,
        "graph": lambda *arguments: TensorRows(
            graph_tokenizer.GraphTokenizer(*arguments)
        ),
        "fast": lambda *arguments: TensorRows(
            fast_tokenizer.FastTokenizer(*arguments)
        ),
    }

    @functools.cache
    def made(name, *arguments):
        if name == "fast":
            pytest.importorskip("tensorflow_text")
        return engines[name](*arguments)

    def make(name, lowercase=True, strip_accents=None, tokens=vocabulary):
        return made(name, tokens, lowercase, strip_accents)

    return make


@pytest.fixture(scope="session")
def shared():
    """The folder of published data and models."""
    path = pathlib.Path(os.environ.get("KBZ_SHARED", _ROOT.parent / "shared"))
    if not path.is_dir():
        pytest.skip("no folder of published data; set KBZ_SHARED")
    return path


@pytest.fixture
def run_python():
    """Returns a function that runs a script in a process of its own."""

    def run(script, *arguments):
        done = subprocess.run(
            [sys.executable, "-c", script, *map(str, arguments)],
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
            capture_output=True,
            text=True,
            timeout=300,
        )
        if done.returncode:
            raise RuntimeError(done.stderr[-4000:])
        return done.stdout.strip()

    return run
