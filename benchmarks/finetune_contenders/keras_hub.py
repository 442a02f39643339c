"""keras-hub's BertTextClassifier with its preprocessor, MiniLM's shape."""

import keras
import keras_hub
import numpy as np

import keras_bert_zoo as zoo
from benchmarks import harness
from benchmarks.finetune_contenders import rows


def prepare(cell: dict):
    texts, labels = rows.sample(cell)
    info = {preset.name: preset for preset in zoo.list_presets()}
    config = info["minilm_l6_en_uncased"].config
    vocabulary = zoo.BertTokenizer.from_preset(
        "minilm_l6_en_uncased"
    ).vocabulary
    # Random weights: how fast a step is does not depend on them.
    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=config["vocabulary_size"],
        num_layers=config["num_layers"],
        num_heads=config["num_heads"],
        hidden_dim=config["hidden_dim"],
        intermediate_dim=config["intermediate_dim"],
    )
    preprocessor = keras_hub.models.BertTextClassifierPreprocessor(
        keras_hub.models.BertTokenizer(
            vocabulary=list(vocabulary.tokens), lowercase=True
        ),
        sequence_length=rows.FIXED_LENGTH,
    )
    model = keras_hub.models.BertTextClassifier(
        backbone, num_classes=2, preprocessor=preprocessor
    )
    model.compile(
        optimizer=keras.optimizers.AdamW(
            rows.LEARNING_RATE, weight_decay=rows.WEIGHT_DECAY
        ),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )

    arrays = np.array(texts), np.array(labels)

    def work():
        model.fit(*arrays, batch_size=rows.BATCH_SIZE, verbose=0)

    return work


if __name__ == "__main__":
    harness.serve(prepare)
