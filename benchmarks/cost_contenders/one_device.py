"""A training step on one device."""

from benchmarks import harness
from benchmarks.cost_contenders import training


def prepare(cell: dict):
    return training.step(training.make_model(), cell)


if __name__ == "__main__":
    harness.serve(prepare)
