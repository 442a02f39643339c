"""Some training steps, while a backup is written."""

from benchmarks.cost_contenders import training  # isort: skip

import tempfile

from benchmarks import harness
from keras_bert_zoo.training.resume.backup import Backup


def prepare(cell: dict):
    model = training.make_model(**cell["sizes"])
    step = training.step(model, cell)
    backup = Backup(tempfile.mkdtemp())
    backup.set_model(model)

    def work():
        backup.save()
        for _ in range(cell["steps"]):
            step()
        backup.finish()

    return work


if __name__ == "__main__":
    harness.serve(prepare)
