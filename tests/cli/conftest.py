"""Runs the command line in this process, on a tiny preset."""

import contextlib
import io
import math
import signal
import sys
from typing import NamedTuple

import pytest
from absl import logging

from keras_bert_zoo import presets
from keras_bert_zoo import testing
from keras_bert_zoo.cli import main
from keras_bert_zoo.cli import progress

TEXTS = {
    "good": ["a fine day", "very good", "good food and good wine", "fine"],
    "bad": ["a poor day", "very bad", "bad food and bad wine", "poor " * 40],
}


class Outcome(NamedTuple):
    status: int
    out: str
    error: str


def call(*arguments):
    out, error = io.StringIO(), io.StringIO()
    verbosity = logging.get_verbosity()
    handler = signal.getsignal(signal.SIGINT)
    hook = sys.unraisablehook
    try:
        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(error),
            pytest.raises(SystemExit) as exit_info,
        ):
            # However slow the machine is.
            patch.setattr(progress, "FIRST_LINE_SECONDS", math.inf)
            main.run(["bert-zoo", *map(str, arguments)])
    finally:
        logging.set_verbosity(verbosity)
        signal.signal(signal.SIGINT, handler)
        sys.unraisablehook = hook
    return Outcome(exit_info.value.code, out.getvalue(), error.getvalue())


@pytest.fixture(scope="session")
def zoo():
    """Calls `bert-zoo` and returns status, stdout and stderr."""
    return call


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A folder with a tiny preset and data files, shared and only read."""
    folder = tmp_path_factory.mktemp("cli")
    texts = sum(TEXTS.values(), [])
    tokenizer = testing.tiny_tokenizer(texts)
    encoder = testing.tiny_encoder(len(tokenizer.vocabulary))
    presets.save_preset(encoder, tokenizer, folder / "preset")
    lines = [
        f"{text}\t{label}" for label, found in TEXTS.items() for text in found
    ]
    (folder / "train.tsv").write_text("\n".join(["text\tlabel", *lines, ""]))
    return folder


@pytest.fixture(scope="session")
def trained(folder):
    """What `train` printed, and the model in `folder / "model"`."""
    return call(
        "train",
        "--head=classification",
        f"--preset={folder / 'preset'}",
        f"--train={folder / 'train.tsv'}",
        f"--validation={folder / 'train.tsv'}",
        f"--out={folder / 'model'}",
        "--epochs=3",
        "--learning-rate=0.05",
        "--batch-size=4",
    )


@pytest.fixture(scope="session")
def evaluated(folder, trained):
    """What `evaluate --json` printed of that model on its data."""
    data = folder / "train.tsv"
    return call("evaluate", folder / "model", "--data", data, "--json")
