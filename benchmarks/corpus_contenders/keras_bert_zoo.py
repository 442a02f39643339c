"""`read_corpus`, then `PretrainingModel.fit`."""

import keras_bert_zoo as zoo  # isort: skip, before TensorFlow
import tensorflow as tf

from benchmarks import harness
from benchmarks.pretraining_contenders import batches

tf.config.threading.set_intra_op_parallelism_threads(harness.NUM_THREADS)


def prepare(cell: dict):
    tokenizer = zoo.BertTokenizer.load(cell["vocabulary"])
    encoder = zoo.BertEncoder(
        **batches.SIZES,
        dropout=batches.DROPOUT,
        attention_dropout=batches.DROPOUT,
    )
    model = zoo.PretrainingModel(
        encoder, zoo.MaskedLM(pairs="none"), tokenizer, cell["length"]
    )
    model.compile(zoo.AdamW(batches.LEARNING_RATE, batches.WEIGHT_DECAY))
    return lambda: model.fit(
        zoo.read_corpus([cell["corpus"]], tokenizer),
        batch_size=cell["batch"],
        verbose=0,
    )


if __name__ == "__main__":
    harness.serve(prepare)
