"""`TaskModel.fit` on texts, batches of like length."""

import keras_bert_zoo as zoo
from benchmarks import harness
from benchmarks.finetune_contenders import rows
from keras_bert_zoo.training.optimizers.layerwise import AdamW


def prepare(cell: dict):
    texts, labels = rows.sample(cell)
    data = zoo.MemoryExamples({"text": texts, "label": labels})
    model = zoo.TaskModel.from_preset(
        "minilm_l6_en_uncased",
        head="classification",
        labels=["0", "1"],
        pooling="mean",
    )
    # One optimizer for all passes: each is an epoch of a longer run.
    model.compile(optimizer=AdamW(rows.LEARNING_RATE, rows.WEIGHT_DECAY))

    def work():
        model.fit(data, batch_size=rows.BATCH_SIZE, verbose=0)

    return work


if __name__ == "__main__":
    harness.serve(prepare)
