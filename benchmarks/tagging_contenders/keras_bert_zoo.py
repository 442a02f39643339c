"""`TaskModel.fit` with its default optimizer; batches of like length."""

import json
import sys

import keras_bert_zoo as zoo
from benchmarks import harness
from benchmarks.tagging_contenders import recipe
from keras_bert_zoo.training.optimizers.layerwise import AdamW


def prepare(cell: dict):
    train = recipe.sample(cell)
    rows = zoo.MemoryExamples(train._asdict())
    model = make_model(cell["corpus"])
    # One optimizer for all passes: each is an epoch of a longer run.
    model.compile(
        optimizer=AdamW(recipe.LEARNING_RATE, recipe.WEIGHT_DECAY),
        weighted_metrics=[],
    )
    return lambda: model.fit(rows, batch_size=recipe.BATCH_SIZE, verbose=0)


def make_model(corpus: str, crf: bool = False) -> zoo.TaskModel:
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
    return model


def main(
    corpus: str, seed: int, limit: int | None, crf: bool = False, **in_fit
) -> dict:
    import keras

    keras.utils.set_random_seed(seed)
    model = make_model(corpus, crf)
    train = recipe.read(corpus, "train", limit)
    model.fit(
        zoo.MemoryExamples(train._asdict()),
        batch_size=recipe.BATCH_SIZE,
        epochs=recipe.EPOCHS,
        seed=seed,
        verbose=0,
        **in_fit,
    )
    test = recipe.read(corpus, "test", limit)
    answers = model.predict_text([{"tokens": words} for words in test.tokens])
    return recipe.scores(test, [answer["tags"] for answer in answers])


def run(**options) -> None:
    seed, corpus, limit, _ = sys.argv[1:]
    found = main(corpus, int(seed), int(limit) or None, **options)
    print(json.dumps(found))


if __name__ == "__main__":
    if len(sys.argv) == 1:
        harness.serve(prepare)
    else:
        run()
