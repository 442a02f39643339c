"""Some training steps."""

from benchmarks.cost_contenders import training  # isort: skip

from benchmarks import harness


def prepare(cell: dict):
    step = training.step(training.make_model(**cell["sizes"]), cell)
    return lambda: [step() for _ in range(cell["steps"])]


if __name__ == "__main__":
    harness.serve(prepare)
