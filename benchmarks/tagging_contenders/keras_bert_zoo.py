"""`TaskModel.fit` with its default optimizer; `crf` as an option."""

import json
import sys
import time

import keras_bert_zoo as zoo
from benchmarks.tagging_contenders import recipe


def main(corpus: str, seed: int, limit: int | None, crf: bool = False) -> dict:
    import keras

    keras.utils.set_random_seed(seed)
    model = zoo.TaskModel.from_preset(
        "minilm_l6_en_uncased",
        head="tagging",
        labels=recipe.labels(corpus),
        dropout=recipe.DROPOUT,
        crf=crf,
    )
    model.compile(
        learning_rate=recipe.LEARNING_RATE,
        weight_decay=recipe.WEIGHT_DECAY,
        warmup_fraction=recipe.WARMUP_FRACTION,
        # PyTorch's loop counts nothing either.
        weighted_metrics=[],
    )
    train = recipe.read(corpus, "train", limit)
    start = time.perf_counter()
    model.fit(
        zoo.MemoryRows(train._asdict()),
        batch_size=recipe.BATCH_SIZE,
        epochs=recipe.EPOCHS,
        seed=seed,
        verbose=0,
    )
    seconds = time.perf_counter() - start
    test = recipe.read(corpus, "test", limit)
    answers = model.predict_text([{"tokens": words} for words in test.tokens])
    return recipe.result(
        test,
        [answer["tags"] for answer in answers],
        len(train.tokens) * recipe.EPOCHS,
        seconds,
    )


def run(crf: bool) -> None:
    seed, corpus, limit, _ = sys.argv[1:]
    found = main(corpus, int(seed), int(limit) or None, crf)
    print(json.dumps(found))


if __name__ == "__main__":
    run(crf=False)
