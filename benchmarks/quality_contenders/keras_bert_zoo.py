"""`TaskModel.fit` with its default optimizer."""

import json
import sys

import keras_bert_zoo as zoo
from benchmarks.quality_contenders import recipe


def main(seed: int) -> float:
    import keras

    keras.utils.set_random_seed(seed)
    texts, labels = recipe.read("train")
    model = zoo.TaskModel.from_preset(
        "minilm_l6_en_uncased",
        head="classification",
        labels=["0", "1"],
        pooling="cls",
    )
    model.compile(
        learning_rate=recipe.LEARNING_RATE,
        weight_decay=recipe.WEIGHT_DECAY,
        warmup_fraction=recipe.WARMUP_FRACTION,
    )
    model.fit(
        texts,
        [str(label) for label in labels],
        batch_size=recipe.BATCH_SIZE,
        epochs=recipe.EPOCHS,
        seed=seed,
        verbose=0,
    )
    texts, labels = recipe.read("test")
    answers = model.predict_text(texts)
    return recipe.accuracy([int(a["label"]) for a in answers], labels)


if __name__ == "__main__":
    print(json.dumps({"accuracy": main(int(sys.argv[1]))}))
