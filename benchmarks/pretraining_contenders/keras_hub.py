"""One step of keras-hub's `BertMaskedLM`."""

import keras
import keras_hub
import tensorflow as tf

from benchmarks import harness
from benchmarks.pretraining_contenders import batches

tf.config.threading.set_intra_op_parallelism_threads(harness.NUM_THREADS)


def prepare(cell: dict):
    arrays = batches.batch(cell)
    originals = arrays.pop("originals")
    keras.config.set_dtype_policy(cell["dtype"])
    backbone = keras_hub.models.BertBackbone(
        **batches.SIZES, dropout=batches.DROPOUT, max_sequence_length=512
    )
    model = keras_hub.models.BertMaskedLM(backbone)
    model.compile(
        optimizer=keras.optimizers.AdamW(
            batches.LEARNING_RATE, batches.WEIGHT_DECAY
        ),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    # As the preprocessor names them.
    return lambda: model.train_on_batch(arrays, originals)


if __name__ == "__main__":
    harness.serve(prepare)
