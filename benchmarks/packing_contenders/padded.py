"""Trains on batches that are made in the way of this file's name."""

from benchmarks.packing_contenders import batches  # isort: skip

from benchmarks import harness

if __name__ == "__main__":
    harness.serve(lambda cell: batches.prepare(cell, "padded"))
