"""A backup of weights and optimizer."""

from benchmarks.cost_contenders import training  # isort: skip

import tempfile

from benchmarks import harness
from keras_bert_zoo.training import backup_files
from keras_bert_zoo.training import run_state


def prepare(cell: dict):
    model = training.make_model(**cell["sizes"])
    training.step(model, {"batch": 2, "length": 8})()
    folder = tempfile.mkdtemp()

    def work():
        arrays = run_state.arrays_of(run_state.variables_of(model))
        if not run_state.is_finite(arrays):
            raise RuntimeError("The weights are not finite.")
        backup_files.write(folder, {}, arrays)

    return work


if __name__ == "__main__":
    harness.serve(prepare)
