"""How many passes a classifier of two labels should make over 50 examples.

    python -m benchmarks.few_rows [--data mrpc,sst2,stsb] [--layers 6,4,2]
        [--epochs 2,3,5,8,20] [--draws 8] [--rows 50]

Trains MiniLM, whole or cut to its first layers, with all defaults but for the
passes, on the first rows of a seeded shuffle (a draw) of a training set. Scores
it on 400 held-out examples, the same for all draws, and on 400 training ones
that the draw did not train on: a rule is chosen by the latter and judged by the
former. STS-B's pairs have two labels here, of scores above 2.5 and of the
others. Each score is saved at once: started again, the script resumes.
`KBZ_SHARED` names the directory of the data sets (default: ../shared).
"""

import argparse
import itertools
import json
import random
import statistics
import tempfile

import keras_bert_zoo as zoo  # isort: skip, before TensorFlow: faster kernels
import keras

from benchmarks import defaults
from benchmarks import harness
from keras_bert_zoo import registry

NAME = "few_rows"
NUM_SCORED = 400
PARTS = ("held_out", "unused")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="mrpc,sst2,stsb")
    parser.add_argument("--layers", default="6,4,2")
    parser.add_argument("--epochs", default="2,3,5,8,20")
    parser.add_argument("--draws", type=int, default=8)
    parser.add_argument("--rows", type=int, default=50)
    options = parser.parse_args()
    path = harness.RESULTS / f"{NAME}.json"
    runs = json.loads(path.read_text("utf-8"))["runs"] if path.exists() else {}
    chosen = (options.data, options.layers, options.epochs)
    columns = [one.split(",") for one in chosen]
    with tempfile.TemporaryDirectory() as scratch:
        for draw, data, layers, epochs in itertools.product(
            range(options.draws), *columns
        ):
            title = f"{data} {layers} {options.rows} {epochs} {draw}"
            if title in runs:
                continue
            preset = defaults.cut(int(layers), scratch)
            runs[title] = run(preset, data, options.rows, int(epochs), draw)
            print(f"{title:20} {runs[title]}", flush=True)
            harness.write_result(
                NAME, {"machine": harness.machine(), "runs": runs}
            )
    print(table(runs, options.rows, *columns))


def run(preset, data, num_rows, epochs, draw):
    """Returns accuracy and MCC, in points, and cross-entropy, of each part."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(draw)
    train, held_out, options = examples(data)
    random.Random(draw).shuffle(train)
    random.Random(0).shuffle(held_out)
    unused = train[num_rows : num_rows + NUM_SCORED]
    train = defaults.as_rows(train[:num_rows])
    head = registry.heads.get("classification").from_examples(train, **options)
    model = zoo.TaskModel.from_preset(preset, head)
    model.compile()
    model.fit(train, batch_size=32, epochs=epochs, seed=draw, verbose=0)
    found = {}
    for part, rows in zip(PARTS, (held_out[:NUM_SCORED], unused), strict=True):
        scores = model.evaluate(
            defaults.as_rows(rows), verbose=0, return_dict=True
        )
        found[part] = {
            "accuracy": round(100 * float(scores["accuracy"]), 2),
            "mcc": round(100 * float(scores["mcc"]), 2),
            "loss": round(float(scores["loss"]), 3),
            "majority": round(majority(rows), 2),
        }
    return found


def examples(data):
    """Returns training and held-out examples, and the head's options."""
    _, options, train, held_out, _ = defaults.DATA[data]()
    if data == "stsb":
        for one in itertools.chain(train, held_out):
            one["label"] = "high" if one["label"] > 2.5 else "low"
        return train, held_out, {"labels": ["high", "low"], "text_pair": True}
    kind = registry.heads.get("classification")
    return train, held_out, options(defaults.as_rows(train), kind)


def majority(rows):
    """Returns the accuracy of the most frequent label, in points."""
    labels = [one["label"] for one in rows]
    return 100 * max(map(labels.count, set(labels))) / len(labels)


def table(runs, num_rows, data, layers, epochs):
    """Returns means over the draws."""
    rows = []
    for name, depth, passes in itertools.product(data, layers, epochs):
        start = f"{name} {depth} {num_rows} {passes} "
        found = [one for title, one in runs.items() if title.startswith(start)]
        cells = [
            f"{statistics.mean(one[part][measure] for one in found):.2f}"
            for part in PARTS
            for measure in ("accuracy", "mcc", "loss", "majority")
        ]
        rows.append([name, depth, passes, str(len(found)), *cells])
    measures = ["accuracy", "MCC", "loss", "majority"]
    return harness.table(
        ["data", "layers", "passes", "draws", *measures, *measures], rows
    )


if __name__ == "__main__":
    main()
