"""The SavedModel whose tokenizer is made of tensorflow-text's operations."""

import tensorflow_text  # noqa: F401, importing registers them

from benchmarks import harness
from benchmarks.serving_contenders import saved_model


def prepare(cell: dict):
    return saved_model.prepare(cell["fast"], cell["texts"])


if __name__ == "__main__":
    harness.serve(prepare)
