"""`TaskModel.fit` on pairs with a score."""

import json
import sys

import keras_bert_zoo as zoo
from benchmarks.stsb_contenders import recipe


def main(seed: int) -> list[float]:
    import keras

    keras.utils.set_random_seed(seed)
    texts, scores = recipe.read("train")
    model = zoo.TaskModel.from_preset(
        "minilm_l6_en_uncased",
        head="classification",
        kind="regression",
        text_pair=True,
    )
    model.compile(
        learning_rate=recipe.LEARNING_RATE,
        weight_decay=recipe.WEIGHT_DECAY,
        warmup_fraction=recipe.WARMUP_FRACTION,
    )
    model.fit(
        texts,
        scores,
        batch_size=recipe.BATCH_SIZE,
        epochs=recipe.EPOCHS,
        seed=seed,
        verbose=0,
    )
    answers = model.predict_text(recipe.read("test")[0])
    return [answer["score"] for answer in answers]


if __name__ == "__main__":
    print(json.dumps({"answers": main(int(sys.argv[1]))}))
