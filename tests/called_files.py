"""Prints which files of ours a call goes through on its way to a layer.

    python called_files.py fit predict_text

Follows each call, of a text classifier, up to the first layer's `call`, and
prints file -> functions called, in the order of the calls, as a JSON object.
"""

import json
import sys
import threading
from collections.abc import Callable

import source_tree

from keras_bert_zoo import testing
from keras_bert_zoo.task.model import TaskModel
from task_heads.classification.head import ClassificationHead

FOLDERS = tuple(f"{source_tree.ROOT / name}/" for name in source_tree.PACKAGES)
LAYERS = "keras_bert_zoo/layers/"
TEXTS = ["a", "b b", "a b a", "b"]


class FirstLayer(BaseException):
    """Ends the call; not an `Exception`, which Keras would catch."""


class Calls:
    """Records calls of this project's functions.

    AutoGraph runs copies of functions, in files of its own: each time, its
    `converted_call` is given the function itself.
    """

    def __init__(self):
        self.files: dict[str, dict[str, None]] = {}

    def __call__(self, frame, event, argument):
        if event != "call":
            return
        self._record(frame.f_code)
        if frame.f_code.co_name == "converted_call":
            function = frame.f_locals["f"]
            function = getattr(function, "__func__", function)
            if hasattr(function, "__code__"):
                self._record(function.__code__)

    def _record(self, code):
        if not code.co_filename.startswith(FOLDERS):
            return
        path = code.co_filename.removeprefix(f"{source_tree.ROOT}/")
        if path.startswith(LAYERS) and code.co_name == "call":
            raise FirstLayer
        if code.co_name != "<module>":
            self.files.setdefault(path, {})[code.co_qualname] = None


def called_files(call: Callable) -> dict[str, list[str]]:
    """Returns the files that a call goes through, and their functions."""
    calls = Calls()
    threading.setprofile(calls)
    sys.setprofile(calls)
    try:
        call()
    except FirstLayer:
        pass
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return {path: list(names) for path, names in calls.files.items()}


def classifier(texts: list[str]) -> TaskModel:
    tokenizer = testing.tiny_tokenizer(texts)
    encoder = testing.tiny_encoder(len(tokenizer.vocabulary))
    return TaskModel(encoder, ClassificationHead(["no", "yes"]), tokenizer)


def calls_of(verb: str) -> Callable:
    """Returns a call of a model that nothing was called of before."""
    # Words of its own: tokenizers of the same words are the same.
    texts = [f"{text} {verb}" for text in TEXTS]
    model = classifier(texts)
    model.compile()
    return {
        "fit": lambda: model.fit(texts, ["no", "yes"] * 2, verbose=0),
        "predict_text": lambda: model.predict_text(texts),
    }[verb]


if __name__ == "__main__":
    for verb in sys.argv[1:]:
        print(json.dumps(called_files(calls_of(verb))))
