"""What a user gets with all defaults, on published data sets.

    python -m benchmarks.defaults [--data sst2,mrpc] [--layers 6,4,2]
        [--rows 50,500,5000] [--seeds 1] [--rates default,1e-4]
        [--heads plain,balanced,smoothed] [--training all,lamb,head]
        [--label now] [--results FILE]

Trains MiniLM, whole or cut to its first layers, as `bert-zoo train` does
without flags, on the first rows of a seeded shuffle of each training set, and
scores it on held-out rows (at most 1,000; 300 questions). `--rates` puts
others beside the default rate, `--heads` other options of a classifier,
`--training` LAMB, and a head alone on a frozen encoder. Each score is saved
at once, under its label: started again, the script resumes.
`KBZ_SHARED` names the directory of the data sets (default: ../shared).
"""

import argparse
import csv
import gzip
import itertools
import json
import os
import pathlib
import random
import tempfile
import time

import keras_bert_zoo as zoo  # isort: skip, before TensorFlow: faster kernels
import keras

from keras_bert_zoo import registry
from keras_bert_zoo.data import MemoryExamples

ROOT = pathlib.Path(__file__).parent.parent
SHARED = ROOT / os.environ.get("KBZ_SHARED", "../shared") / "data"
PRESET = "minilm_l6_en_uncased"
# Options of a classifier for labels of unlike frequency.
HEADS = {
    "plain": {},
    "balanced": {"class_weights": "balanced"},
    "smoothed": {"label_smoothing": 0.1},
    "both": {"class_weights": "balanced", "label_smoothing": 0.1},
}
# Arguments of `compile`, and of the model.
TRAINING = {
    "all": ({}, {}),
    "lamb": ({"optimizer": "lamb"}, {}),
    "head": ({}, {"freeze_encoder": True}),
}
MOST_HELD_OUT = 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=",".join(DATA))
    parser.add_argument("--layers", default="6,4,2")
    parser.add_argument("--rows", default="50,500,5000")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--rates", default="default")
    parser.add_argument("--epochs", type=int, default=0, help="0: default")
    parser.add_argument("--heads", default="plain")
    parser.add_argument("--training", default="all")
    parser.add_argument("--label", default="now")
    parser.add_argument(
        "--results",
        type=pathlib.Path,
        default=ROOT / "benchmarks/results/defaults.json",
    )
    options = parser.parse_args()
    results = {}
    if options.results.exists():
        results = json.loads(options.results.read_text())
    with tempfile.TemporaryDirectory() as scratch:
        for cell in cells(options):
            name = " ".join(map(str, cell))
            if name in results:
                continue
            results[name] = run(scratch, *cell[1:])
            print(f"{name:50} {results[name]}", flush=True)
            options.results.write_text(json.dumps(results, indent=1) + "\n")


def cells(options):
    layers, rows, seeds = (
        [int(one) for one in options.layers.split(",")],
        [int(one) for one in options.rows.split(",")],
        range(options.seeds),
    )
    for (
        num_rows,
        data,
        num_layers,
        rate,
        seed,
        head,
        training,
    ) in itertools.product(
        rows,
        options.data.split(","),
        layers,
        options.rates.split(","),
        seeds,
        options.heads.split(","),
        options.training.split(","),
    ):
        cell = data, num_layers, num_rows, rate, options.epochs, seed, head
        # Names from before there was a choice stay.
        yield options.label, *cell, *([training] if training != "all" else [])


def run(
    scratch, data, layers, num_rows, rate, epochs, seed, head, training="all"
):
    """Returns the score on held-out rows, in points, and seconds."""
    started = time.monotonic()
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    rate = None if rate == "default" else float(rate)
    compiled, model_options = TRAINING[training]
    scores = fine_tuned(
        cut(layers, scratch),
        data,
        num_rows,
        seed,
        epochs,
        HEADS[head],
        {"learning_rate": rate, **compiled},
        **model_options,
    )
    seconds = round(time.monotonic() - started)
    return {"score": scores.pop("score"), "seconds": seconds, **scores}


def fine_tuned(
    preset,
    data,
    num_rows,
    seed,
    epochs=0,
    head_options=None,
    compiled=None,
    most_held_out=MOST_HELD_OUT,
    **model_options,
):
    """Trains a preset on the first rows, and scores it on held-out ones."""
    read = {**DATA, **MORE_DATA}[data]
    kind, options, train, held_out, metric = read()
    random.Random(seed).shuffle(train)
    random.Random(0).shuffle(held_out)
    train = as_rows(train[:num_rows])
    held_out = as_rows(held_out[: 300 if kind == "span_qa" else most_held_out])
    head_class = registry.heads.get(kind)
    # All labels: few rows need not have each.
    options = options(as_rows(read()[2]), head_class)
    head = head_class.from_examples(train, **options, **(head_options or {}))
    length = 384 if kind == "span_qa" else None
    model = zoo.TaskModel.from_preset(
        preset, head, sequence_length=length, **model_options
    )
    model.compile(**(compiled or {}))
    epochs = epochs or default_epochs(head, num_rows)
    model.fit(train, batch_size=32, epochs=epochs, seed=seed, verbose=0)
    others = {}
    if metric in ("f1", "micro"):
        score = model.score(held_out)
        score = score["micro"]["f1"] if metric == "micro" else score["f1"] / 100
    else:
        found = model.evaluate(held_out, verbose=0, return_dict=True)
        score = found[metric]
        others = {
            name: round(100 * float(found[name]), 2)
            for name in ("macro_f1", "mcc")
            if name in found
        }
    return {"score": round(100 * float(score), 2), **others}


def default_epochs(head, num_rows):
    """Returns the passes that the command line makes without a flag."""
    from keras_bert_zoo.workflows import finetune_run

    return finetune_run.default_epochs(head, num_rows, 32)


def as_rows(records):
    return MemoryExamples(
        {field: [one[field] for one in records] for field in records[0]}
    )


def cut(layers, scratch):
    """Returns a directory of MiniLM's first layers."""
    path = pathlib.Path(scratch) / f"minilm_l{layers}"
    if path.exists():
        return path
    whole = zoo.BertEncoder.from_preset(PRESET)
    config = {**whole.get_config(), "num_layers": layers}
    part = zoo.BertEncoder(**config)
    values = {variable.path: variable for variable in whole.weights}
    for variable in part.weights:
        variable.assign(values[variable.path])
    zoo.save_preset(part, zoo.BertTokenizer.from_preset(PRESET), path)
    return path


def opened(name):
    path = SHARED / name
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return open(path, encoding="utf-8", newline="")


def table(name, columns, delimiter="\t", quoting=csv.QUOTE_NONE, skip=1):
    with opened(name) as stream:
        lines = list(csv.reader(stream, delimiter=delimiter, quoting=quoting))
    return [
        {field: line[place] for field, place in columns.items()}
        for line in lines[skip:]
        if len(line) > max(columns.values())
    ]


def with_labels(rows, _):
    return {"labels": sorted({row.values["label"] for row in rows})}


def sst2():
    columns = {"text": 0, "label": 1}
    return (
        "classification",
        with_labels,
        table("sst2/train.tsv.gz", columns),
        table("sst2/dev.tsv", columns),
        "accuracy",
    )


def sst2_both():
    kind, options, train, dev, metric = sst2()
    test = table("sst2/test.tsv", {"text": 0, "label": 1})
    return kind, options, train, dev + test, metric


def trec():
    columns = {"text": 0, "label": 2}
    known = table("trec/train.tsv", columns)
    names = {one["label"] for one in known}
    return (
        "classification",
        with_labels,
        known,
        [o for o in table("trec/test.tsv", columns) if o["label"] in names],
        "accuracy",
    )


def banking77():
    columns = {"text": 0, "label": 1}
    style = {"delimiter": ",", "quoting": csv.QUOTE_MINIMAL}
    return (
        "classification",
        with_labels,
        table("banking77/train.csv.gz", columns, **style),
        table("banking77/test.csv", columns, **style),
        "accuracy",
    )


def mrpc():
    columns = {"label": 0, "text": 3, "text_pair": 4}
    return (
        "classification",
        lambda rows, kind: {**with_labels(rows, kind), "text_pair": True},
        table("mrpc/train.tsv.gz", columns),
        table("mrpc/val.tsv", columns),
        "accuracy",
    )


def stsb():
    columns = {"label": 4, "text": 5, "text_pair": 6}
    parts = (
        [
            {**one, "label": float(one["label"])}
            for one in table(f"stsb/sts-{part}", columns, skip=0)
        ]
        for part in ("train.csv.gz", "dev.csv")
    )
    return (
        "classification",
        lambda rows, kind: {"kind": "regression", "text_pair": True},
        *parts,
        "pearson",
    )


def wnut17():
    return (*tagged("wnut17/train.conll", "wnut17/dev.conll"),)


def ncbi():
    return (*tagged("ncbi_disease/train.tsv.gz", "ncbi_disease/devel.tsv"),)


def tagged(*names):
    parts = []
    for name in names:
        sentences, words = [], []
        with opened(name) as stream:
            for line in [*stream, ""]:
                if line.strip():
                    words.append(line.split())
                elif words:
                    tokens, tags = zip(*((w[0], w[-1]) for w in words))
                    sentences.append(
                        {"tokens": list(tokens), "tags": list(tags)}
                    )
                    words = []
        parts.append(sentences)

    def options(rows, kind):
        head = kind.from_examples(rows)
        return {"labels": head.labels_by_index, "scheme": head.scheme}

    return ("tagging", options, *parts, "micro")


def squad():
    with opened("squad/dev-v1.1.rebuilt.json.gz") as stream:
        articles = json.load(stream)["data"]
    parts = (articles[:38], articles[38:])
    parts = (
        [
            {
                "question": record["question"],
                "context": paragraph["context"],
                "answers": [
                    {"text": one["text"], "start": one["answer_start"]}
                    for one in record["answers"]
                ],
            }
            for article in part
            for paragraph in article["paragraphs"]
            for record in paragraph["qas"]
        ]
        for part in parts
    )
    return ("span_qa", lambda rows, kind: {}, *parts, "f1")


DATA = {
    "sst2": sst2,
    "trec": trec,
    "banking77": banking77,
    "mrpc": mrpc,
    "stsb": stsb,
    "wnut17": wnut17,
    "ncbi": ncbi,
    "squad": squad,
}
# Only where they are named: development and test sentences together.
MORE_DATA = {"sst2_both": sst2_both}

if __name__ == "__main__":
    main()
