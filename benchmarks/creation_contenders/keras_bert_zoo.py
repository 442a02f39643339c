"""What `bert-zoo make-examples` does, in one process."""

import pathlib
import shutil

import tensorflow as tf

from benchmarks import harness

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)

import keras_bert_zoo as zoo  # noqa: E402


def prepare(cell):
    out = pathlib.Path(cell["scratch"]) / "ours"

    def work():
        shutil.rmtree(out, ignore_errors=True)
        zoo.make_examples(
            corpus=[cell["corpus"]],
            vocabulary=cell["vocabulary"],
            split="lines",
            sequence_length=cell["length"],
            out=out,
        )

    return work


if __name__ == "__main__":
    harness.serve(prepare)
