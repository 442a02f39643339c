"""A tagger learns from a tenth of the labels, on a given encoder.

python -m benchmarks.adaptation_contenders.tagging SEED LIMIT PRESET
"""

import json
import sys

import keras

import keras_bert_zoo as zoo
from benchmarks.adaptation_contenders import recipe
from benchmarks.tagging_contenders import recipe as sentences


def main(seed: int, limit: int | None, preset: str) -> dict:
    keras.utils.set_random_seed(seed)
    number = min(limit or recipe.NUM_LABELLED, recipe.NUM_LABELLED)
    train = sentences.sample({"corpus": recipe.CORPUS, "num_sentences": number})
    model = zoo.TaskModel.from_preset(
        preset, head="tagging", labels=sentences.labels(recipe.CORPUS)
    )
    model.compile(weighted_metrics=[])
    model.fit(
        zoo.MemoryExamples(train._asdict()),
        batch_size=recipe.BATCH_SIZE,
        epochs=recipe.TAGGING_PASSES,
        seed=seed,
        verbose=0,
    )
    test = sentences.read(recipe.CORPUS, "test", limit)
    answers = model.predict_text([{"tokens": words} for words in test.tokens])
    return sentences.scores(test, [answer["tags"] for answer in answers])


if __name__ == "__main__":
    seed, limit, preset = sys.argv[1:]
    print(json.dumps(main(int(seed), int(limit) or None, preset)))
