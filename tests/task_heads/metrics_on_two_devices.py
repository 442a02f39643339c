"""Prints metrics of one device and of two, as one JSON object.

With `pearson`, of numbers that replicas share unevenly; else of a head, which
`fit` and `evaluate` measure with weights that stay as they are.
"""

import contextlib
import json
import sys

import keras
import numpy as np
import tensorflow as tf
import two_devices

import keras_bert_zoo as zoo
from keras_bert_zoo import testing
from task_heads.classification.head import ClassificationHead
from task_heads.classification.metrics import PearsonCorrelation
from task_heads.multi_task.head import MultiTaskHead
from task_heads.tagging.head import TaggingHead

# Batches of 4 leave one row to the last: one replica has none of it.
TEXTS = [
    " ".join("abcd"[i * place % 4] for place in range(1 + i % 9))
    for i in range(13)
]
SCORES = [100.0 + i * i % 11 for i in range(13)]
NAMES = [["a"], ["b", "c"], []]


def regression():
    return ClassificationHead(kind="regression", dropout=0.0)


HEADS = {
    "regression": (regression, {"text": TEXTS, "label": SCORES}),
    "single_label": (
        lambda: ClassificationHead(["a", "b", "c"], dropout=0.0),
        {"text": TEXTS, "label": [("a", "b", "c")[i % 3] for i in range(13)]},
    ),
    "multi_label": (
        lambda: ClassificationHead(
            ["a", "b", "c"], kind="multi_label", dropout=0.0
        ),
        {"text": TEXTS, "label": [NAMES[i % 3] for i in range(13)]},
    ),
    # Long texts are split, and a score is that of their first sequence.
    "multi_task": (
        lambda: MultiTaskHead(
            {
                "mood": regression(),
                "slots": TaggingHead(["O", "B-x"], dropout=0.0),
            }
        ),
        {
            "tokens": [text.split() * 4 for text in TEXTS],
            "slots": [["O"] * len(text.split()) * 4 for text in TEXTS],
            "mood": SCORES,
        },
    ),
}


def measured(scope, name):
    make_head, columns = HEADS[name]
    tokenizer = testing.tiny_tokenizer(TEXTS)
    with scope:
        keras.utils.set_random_seed(3)
        encoder = testing.tiny_encoder(
            len(tokenizer.vocabulary), dropout=0.0, attention_dropout=0.0
        )
        model = zoo.TaskModel(encoder, make_head(), tokenizer)
        model.compile(keras.optimizers.SGD(0.0))
    history, scores, _ = two_devices.fitted(
        model, zoo.MemoryExamples(columns), {"shuffle": False}, batch_size=4
    )
    return {
        name: [*map(float, history[name]), float(score)]
        for name, score in scores.items()
        if not name.endswith("loss")
    }


def pearson(strategy):
    """Returns the correlation of two epochs, and that of NumPy."""
    random = np.random.default_rng(0)
    with strategy.scope():
        metric = PearsonCorrelation()

    @tf.function
    def count(given):
        strategy.run(
            lambda part: metric.update_state(*tf.unstack(part)), args=(given,)
        )

    found = []
    for _ in range(2):
        metric.reset_state()
        examples = []
        # Of each batch, what the replicas have.
        for sizes in [(1, 0), (5, 2), (0, 4)]:
            truth, noise, place = random.normal(size=(3, sum(sizes)))
            batch = np.stack([1000.0 + truth, truth + noise, place > -0.5])
            batch = batch.astype("float32")
            count(_shared_out(strategy, batch, sizes[0]))
            examples.append(batch)
        truth, guess, weights = np.concatenate(examples, axis=1)
        expected = np.corrcoef(truth[weights > 0], guess[weights > 0])[0, 1]
        found.append([float(metric.result()), float(expected)])
    return found


def _shared_out(strategy, batch, num_first):
    parts = np.split(batch, [num_first], axis=1)
    return strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(parts[context.replica_id_in_sync_group])
    )


def main():
    strategy = two_devices.strategy()
    (name,) = sys.argv[1:]
    if name == "pearson":
        print(json.dumps(pearson(strategy)))
        return
    one = measured(contextlib.nullcontext(), name)
    two = measured(strategy.scope(), name)
    print(json.dumps({"one": one, "two": two}))


if __name__ == "__main__":
    main()
