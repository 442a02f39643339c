"""keras-hub's `BertMaskedLM` and its preprocessor, on the lines of a file."""

import keras
import keras_hub
import tensorflow as tf

from benchmarks import harness
from benchmarks.pretraining_contenders import batches

tf.config.threading.set_intra_op_parallelism_threads(harness.NUM_THREADS)


def prepare(cell: dict):
    preprocessor = keras_hub.models.BertMaskedLMPreprocessor(
        keras_hub.models.BertTokenizer(
            f"{cell['vocabulary']}/vocab.txt", lowercase=True
        ),
        sequence_length=cell["length"],
        mask_selection_rate=0.15,
        # Its default, 96, would compute the logits of five times as many.
        mask_selection_length=-(-15 * cell["length"] // 100),
    )
    backbone = keras_hub.models.BertBackbone(
        **batches.SIZES, dropout=batches.DROPOUT, max_sequence_length=512
    )
    model = keras_hub.models.BertMaskedLM(backbone, preprocessor)
    model.compile(
        optimizer=keras.optimizers.AdamW(
            batches.LEARNING_RATE, batches.WEIGHT_DECAY
        ),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        weighted_metrics=[keras.metrics.SparseCategoricalAccuracy()],
        jit_compile=False,
    )
    return lambda: model.fit(
        tf.data.TextLineDataset(cell["corpus"])
        .filter(lambda line: tf.strings.length(line) > 0)
        .shuffle(10_000)
        .batch(cell["batch"]),
        verbose=0,
    )


if __name__ == "__main__":
    harness.serve(prepare)
