"""`create_pretraining_data` of tf-models-official, google-research's script."""

import pathlib
import random

import tensorflow as tf

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)

from official.nlp.data import create_pretraining_data as script  # noqa: E402
from official.nlp.tools import tokenization  # noqa: E402

from benchmarks import harness  # noqa: E402


def prepare(cell):
    vocabulary = pathlib.Path(cell["vocabulary"]) / "vocab.txt"
    tokenizer = tokenization.FullTokenizer(str(vocabulary), do_lower_case=True)
    output = str(pathlib.Path(cell["scratch"]) / "theirs.tfrecord")

    def work():
        instances = script.create_training_instances(
            [cell["corpus"]],
            tokenizer,
            script.get_processor_text_fn(False, True),
            cell["length"],
            1,
            0.1,
            0.15,
            20,
            random.Random(1),
        )
        script.write_instance_to_example_files(
            instances, tokenizer, cell["length"], 20, [output], False, False
        )

    return work


if __name__ == "__main__":
    harness.serve(prepare)
