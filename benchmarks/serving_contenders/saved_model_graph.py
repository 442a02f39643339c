"""The SavedModel whose tokenizer is made of TensorFlow's own operations."""

from benchmarks import harness
from benchmarks.serving_contenders import saved_model


def prepare(cell: dict):
    return saved_model.prepare(cell["graph"], cell["texts"])


if __name__ == "__main__":
    harness.serve(prepare)
