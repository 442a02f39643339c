"""One step of `PretrainingModel`."""

import keras_bert_zoo as zoo  # isort: skip, before TensorFlow
import tensorflow as tf

from benchmarks import harness
from benchmarks.pretraining_contenders import batches
from keras_bert_zoo import testing

tf.config.threading.set_intra_op_parallelism_threads(harness.NUM_THREADS)


def prepare(cell: dict):
    arrays = batches.batch(cell)
    originals = arrays.pop("originals")
    encoder = zoo.BertEncoder(
        **batches.SIZES,
        dropout=batches.DROPOUT,
        attention_dropout=batches.DROPOUT,
        dtype=cell["dtype"],
    )
    model = zoo.PretrainingModel(
        encoder,
        zoo.MaskedLM(pairs="none"),
        testing.tiny_tokenizer(["any words"]),
    )
    model.compile(
        zoo.AdamW(batches.LEARNING_RATE, batches.WEIGHT_DECAY), metrics=None
    )
    weights = tf.ones(originals.shape)
    return lambda: model.train_on_batch(
        arrays, {"masked_lm": originals}, {"masked_lm": weights}
    )


if __name__ == "__main__":
    harness.serve(prepare)
