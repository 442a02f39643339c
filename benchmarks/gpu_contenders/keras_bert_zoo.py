"""This project's encoder under `KERAS_BACKEND`, through `fit` and `predict`."""

import keras

from benchmarks import harness
from benchmarks.gpu_contenders import batches
from keras_bert_zoo.encoders.bert import BertEncoder


def prepare(cell: dict):
    rows = batches.rows(cell)
    labels = rows.pop("labels")
    encoder = BertEncoder(
        vocabulary_size=batches.VOCABULARY_SIZE,
        **batches.SIZES[cell["size"]],
        dropout=batches.DROPOUT,
        attention_dropout=batches.DROPOUT,
        dtype="mixed_bfloat16",
    )
    logits = keras.layers.Dense(2, dtype="float32")(
        encoder.output["pooled_output"]
    )
    model = keras.Model(encoder.input, logits)
    model.compile(
        keras.optimizers.AdamW(batches.LEARNING_RATE),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    options = {"batch_size": cell["batch"], "verbose": 0}
    if cell["step"] == "forward":
        return lambda: model.predict(rows, **options)
    return lambda: model.fit(rows, labels, **options)


if __name__ == "__main__":
    harness.serve(prepare)
