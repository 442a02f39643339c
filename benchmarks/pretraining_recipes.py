"""What an encoder learns from 18 MB of text on two cores, by recipe.

    python -m benchmarks.pretraining_recipes [--recipes base,packed]
                                             [--tokens 1500000] [--seeds 3]
                                             [--data sst2,trec]
                                             [--rows 500,7000]
                                             [--starts new,trained,reviews]
                                             [--ways mean,first_longer]
                                             [--folder DIR]

Reads the novels, speeches, plays and pages of the shared data, sets 2 % of the
documents aside and learns a vocabulary of 8,192 from the others. Then each
recipe trains on `--tokens` tokens in a process of its own, and it is counted
how many masked tokens (15 %) of the documents set aside it finds. `--seeds`
fine-tunes encoders on labelled data, and `--starts` names which: `new`, with
random weights; `trained`, the last recipe's; `reviews`, that one after it has
learned from 64,720 sentences of film reviews, too, without their labels; and
`taught`, after it has learned MiniLM's vectors for the corpus's words. Each
result is saved at once: started again, the script resumes.
"""

import argparse
import gzip
import itertools
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import keras_bert_zoo as zoo  # isort: skip, before TensorFlow
import keras
import numpy as np

from benchmarks import defaults
from benchmarks import harness
from benchmarks import pretraining_teacher
from keras_bert_zoo.pretraining.corpus import read_corpus
from keras_bert_zoo.pretraining.documents import read_documents
from keras_bert_zoo.pretraining.objective import CorpusExamples

NAME = "pretraining_recipes"
FOLDERS = ("gutenberg", "speeches", "tinyshakespeare", "wikitext2")
HELD_OUT_EVERY = 50
STARTS = ("new", "trained", "reviews", "taught")
# How heads are trained: pooling, the encoder's dropout, passes, and the rates
# for trained and for random weights, which learn nothing from the first token's
# vector at 4.5e-4. `None` and 0 are what a user has without a flag.
WAYS = {
    "defaults": (None, None, 0, None, None),
    "mean": ("mean", 0.1, 0, 4.5e-4, 4.5e-4),
    "first": ("cls", 0.1, 0, 4.5e-4, 2e-4),
    "first_undropped": ("cls", 0.0, 5, 4.5e-4, 2e-4),
    "first_longer": ("cls", 0.3, 5, 4.5e-4, 2e-4),
    "first_slower": ("cls", 0.3, 5, 2e-4, 2e-4),
    "max": ("max", 0.3, 5, 4.5e-4, 4.5e-4),
}
STARTED = time.monotonic()
# Options of `pretrain`, and of the objective.
BASE = {
    "num_layers": 4,
    "hidden_dim": 256,
    "dropout": 0.0,
    "sequence_length": 128,
    "batch_size": 32,
    "learning_rate": 1e-3,
    "pairs": "next_sentence",
    "mask_rate": 0.15,
    "precision": "auto",
    "vocabulary_size": 8192,
}
# What an encoder that learned before has already.
OF_NEW_ENCODERS = (
    "document_step",
    "dropout",
    "hidden_dim",
    "initial_embeddings",
    "num_layers",
    "start",
    "vocabulary_size",
)
RECIPES = {
    "base": {},
    "rate of 2e-3": {"learning_rate": 2e-3},
    "rate of 5e-4": {"learning_rate": 5e-4},
    "batches of 16": {"batch_size": 16},
    "64 tokens": {"sequence_length": 64, "batch_size": 64},
    "25 % masked": {"mask_rate": 0.25},
    "whole words": {"mask_unit": "words"},
    "one segment": {"pairs": "none"},
    "packed": {"pairs": "none", "packed_length": 128},
    "dropout": {"dropout": 0.1},
    "64 tokens and 25 %": {
        "sequence_length": 64,
        "batch_size": 64,
        "mask_rate": 0.25,
    },
    "64 tokens and 25 % and batches of 32": {
        "sequence_length": 64,
        "batch_size": 32,
        "mask_rate": 0.25,
    },
    "vocabulary of 4096": {"vocabulary_size": 4096},
    "vocabulary of 16384": {"vocabulary_size": 16384},
    "2 layers of 384": {"num_layers": 2, "hidden_dim": 384},
    "8 layers of 192": {"num_layers": 8, "hidden_dim": 192},
}
BEST = RECIPES["64 tokens and 25 % and batches of 32"]
COUNTED = {**BEST, "initial_embeddings": "cooccurrence"}
# 8 layers are stacked from another recipe's 4.
STACKED = {**BEST, "num_layers": 8, "learning_rate": 5e-4}
RECIPES |= {
    "8 layers of 256 stacked": {
        **STACKED,
        "start": "64 tokens and 25 % and batches of 32-27000000",
    },
    "cooccurrence": COUNTED,
    "8 layers stacked on cooccurrence": {
        **STACKED,
        "start": "cooccurrence-27000000",
    },
    # MiniLM, continued with the corpus's vocabulary.
    "MiniLM": {**BEST, "preset": "minilm_l6_en_uncased", "learning_rate": 2e-4},
    # Of every eighth document alone, and of every sixty-fourth.
    "cooccurrence of an eighth": {**COUNTED, "document_step": 8},
    "cooccurrence of a 64th": {**COUNTED, "document_step": 64},
}
# What far more text gives: encoders that are not trained here, by the number of
# layers.
PUBLISHED = {
    "MiniLM's first 2 layers": 2,
    "MiniLM's first 4 layers": 4,
}
# Encoders that know nothing of tokens that the corpus has fewer times.
PARTS = {
    f"{recipe} with tokens of {least} contexts": (recipe, least)
    for recipe in (*PUBLISHED, "cooccurrence")
    for least in (20, 100)
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipes", default=",".join(RECIPES))
    parser.add_argument("--tokens", type=int, default=1_500_000)
    parser.add_argument("--seeds", type=int, default=0)
    parser.add_argument("--data", default="sst2", help="of `defaults`")
    parser.add_argument("--rows", default="7000")
    parser.add_argument("--starts", default=",".join(STARTS))
    parser.add_argument("--ways", default="mean", help="of `WAYS`")
    parser.add_argument("--folder", type=pathlib.Path)
    options = parser.parse_args()
    folder = prepared(options.folder or pathlib.Path(tempfile.mkdtemp()))
    recipes = options.recipes.split(",")
    for recipe in recipes:
        whole, _ = PARTS.get(recipe, (recipe, 0))
        if whole not in PUBLISHED:
            run("train", folder, whole, options.tokens)
    last = recipes[-1], options.tokens
    starts = options.starts.split(",") if options.seeds else ()
    if "reviews" in starts:
        run("read_reviews", folder, *last)
    if "taught" in starts:
        run("teach", folder, *last)
    for seed, start, data, rows, way in itertools.product(
        range(options.seeds),
        starts,
        options.data.split(","),
        map(int, options.rows.split(",")),
        options.ways.split(","),
    ):
        # Names from before there was a choice stay.
        others = [way] if way != "mean" else []
        run("fine_tune", folder, *last, start, data, rows, seed, *others)


def prepared(folder: pathlib.Path) -> pathlib.Path:
    """Writes documents, and those set aside, to a folder."""
    if (folder / "held_out.txt").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    shared = harness.shared_directory() / "data" / "pretrain"
    files = [path for name in FOLDERS for path in (shared / name).glob("*.gz")]
    texts = [
        "\n".join(document.sentences)
        for document in read_documents(sorted(files), split="lines")
    ]
    held_out = texts[HELD_OUT_EVERY - 1 :: HELD_OUT_EVERY]
    del texts[HELD_OUT_EVERY - 1 :: HELD_OUT_EVERY]
    for name, part in ("corpus", texts), ("held_out", held_out):
        (folder / f"{name}.txt").write_text("\n\n".join(part) + "\n", "utf-8")
    return folder


def vocabulary(folder: pathlib.Path, size: int) -> pathlib.Path:
    """Returns the directory of a vocabulary of the corpus, learned once."""
    path = folder / f"words_{size}"
    if not path.exists():
        zoo.train_vocabulary(
            corpus=[folder / "corpus.txt"], out=path, size=size
        )
    return path


def run(kind: str, *arguments) -> None:
    """Runs what has not been run yet, in a process of its own."""
    path = harness.RESULTS / f"{NAME}.json"
    results = {"machine": harness.machine(), "runs": {}}
    if path.is_file():
        results = json.loads(path.read_text("utf-8"))
    title = " ".join(map(str, (kind, *arguments[1:])))
    if title in results["runs"]:
        return
    code = f"from benchmarks import {NAME} as b; b.{kind}{_plain(arguments)}"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=harness.ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    # Another one may have been run meanwhile.
    if path.is_file():
        results = json.loads(path.read_text("utf-8"))
    results["runs"][title] = found
    harness.write_result(NAME, results)
    print(title, found, flush=True)


def _plain(arguments):
    plain = [str(a) if isinstance(a, pathlib.Path) else a for a in arguments]
    return f"({', '.join(map(repr, plain))})"


def train(folder: str, recipe: str, num_tokens: int) -> None:
    """Pre-trains, and prints what is found of the documents set aside."""
    folder = pathlib.Path(folder)
    options = {**BASE, **RECIPES[recipe]}
    options["vocabulary"] = vocabulary(folder, options.pop("vocabulary_size"))
    text = part_of_corpus(folder, options.pop("document_step", 1))
    if "start" in options:
        for name in ("hidden_dim", "vocabulary"):
            del options[name]
        options["preset"] = str(folder / options.pop("start").replace(" ", "_"))
    elif "preset" in options:
        for name in ("hidden_dim", "num_layers", "dropout"):
            del options[name]
    size = options["batch_size"] * options["sequence_length"]
    found = zoo.pretrain(
        corpus=[text],
        hold_out=0.0,
        out=trained(folder, recipe, num_tokens),
        overwrite=True,
        steps=max(num_tokens // size, 20),
        **options,
    )
    # What is masked is the same for all, whatever they learned by.
    model = zoo.PretrainingModel.from_preset(
        found.directory,
        sequence_length=options["sequence_length"],
        pairs=options["pairs"],
    )
    model.compile()
    held_out = read_corpus([folder / "held_out.txt"], model.tokenizer)
    metrics = model.evaluate(held_out, verbose=0, return_dict=True)
    corpus = read_corpus([folder / "corpus.txt"], model.tokenizer)
    baselines = model.objective.baselines(
        corpus.token_counts(),
        CorpusExamples(
            held_out, model.objective, model.tokenizer, model.sequence_length
        ),
    )
    print(
        json.dumps(
            {
                "metrics": {k: round(v, 4) for k, v in metrics.items()},
                "baselines": baselines,
                "steps": found.steps,
                "precision": found.precision,
                "cpu_minutes": round(time.process_time() / 60, 1),
                "minutes": round((time.monotonic() - STARTED) / 60, 1),
            }
        )
    )


def part_of_corpus(folder: pathlib.Path, step: int) -> pathlib.Path:
    """Returns the corpus, or a file of every so many documents of it."""
    corpus = folder / "corpus.txt"
    if step == 1:
        return corpus
    texts = corpus.read_text("utf-8").rstrip("\n").split("\n\n")
    path = folder / f"corpus_{step}.txt"
    path.write_text("\n\n".join(texts[::step]) + "\n", "utf-8")
    return path


def trained(folder: pathlib.Path, recipe: str, num_tokens: int) -> pathlib.Path:
    """Returns where an encoder is."""
    if recipe in PARTS:
        whole, least = PARTS[recipe]
        return part_known(folder, trained(folder, whole, num_tokens), least)
    if recipe in PUBLISHED:
        return defaults.cut(PUBLISHED[recipe], folder)
    return folder / f"{recipe}-{num_tokens}".replace(" ", "_")


def part_known(
    folder: pathlib.Path, path: pathlib.Path, least: int
) -> pathlib.Path:
    """Returns the directory of an encoder that knows frequent tokens alone.

    Tokens that the corpus has fewer than `least` times exchange their vectors,
    at random. Special tokens keep theirs.
    """
    changed = path.with_name(f"{path.name}_of_{least}")
    if changed.exists():
        return changed
    encoder = zoo.BertEncoder.from_preset(path)
    tokenizer = zoo.BertTokenizer.from_preset(path)
    vocabulary = tokenizer.vocabulary
    corpus = read_corpus([folder / "corpus.txt"], tokenizer)
    counts = np.bincount(corpus.token_ids, minlength=len(vocabulary.tokens))
    special = [
        vocabulary.tokens.index(token)
        for token in vocabulary.special_tokens().values()
    ]
    counts[special] = sys.maxsize
    table = encoder.token_embedding
    vectors = keras.ops.convert_to_numpy(table).copy()
    rare = np.flatnonzero(counts < least)
    vectors[rare] = vectors[np.random.default_rng(0).permutation(rare)]
    table.assign(vectors)
    zoo.save_preset(encoder, tokenizer, changed)
    return changed


def write_reviews(folder: pathlib.Path) -> pathlib.Path:
    """Writes film reviews to a folder, a document each, and returns where."""
    path = harness.shared_directory() / "data/movie_reviews_docs/all.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        reviews = [json.loads(line)["sentences"] for line in lines]
    texts = ["\n".join(sentences) for sentences in reviews]
    out = folder / "reviews.txt"
    out.write_text("\n\n".join(texts) + "\n", "utf-8")
    return out


def read_reviews(folder: str, recipe: str, num_tokens: int) -> None:
    """Continues pre-training on unlabelled film reviews, three epochs."""
    folder = pathlib.Path(folder)
    before = trained(folder, recipe, num_tokens)
    options = {**BASE, **RECIPES[recipe], "learning_rate": 5e-4}
    for name in OF_NEW_ENCODERS:
        options.pop(name, None)
    found = zoo.pretrain(
        preset=str(before),
        corpus=[write_reviews(folder)],
        split="lines",
        out=f"{before}_reviews",
        overwrite=True,
        epochs=3,
        **options,
    )
    metrics = {name: round(value, 4) for name, value in found.metrics.items()}
    minutes = round((time.monotonic() - STARTED) / 60, 1)
    print(json.dumps({"metrics": metrics, "minutes": minutes}))


def teach(folder: str, recipe: str, num_tokens: int) -> None:
    """Trains the encoder on MiniLM's vectors of the corpus, two epochs."""
    folder = pathlib.Path(folder)
    before = trained(folder, recipe, num_tokens)
    error = pretraining_teacher.teach(
        before, folder / "corpus.txt", 2, f"{before}_taught"
    )
    minutes = round((time.monotonic() - STARTED) / 60, 1)
    print(json.dumps({"error": round(error, 4), "minutes": minutes}))


def fine_tune(
    folder: str,
    recipe: str,
    num_tokens: int,
    start: str,
    data: str,
    num_rows: int,
    seed: int,
    way: str = "mean",
) -> None:
    """Trains a head, with defaults but for one of `WAYS`; prints its score."""
    pooling, dropout, epochs, rate, rate_of_new = WAYS[way]
    path = trained(pathlib.Path(folder), recipe, num_tokens)
    if start in ("reviews", "taught"):
        path = f"{path}_{start}"
    keras.utils.set_random_seed(seed)
    scores = defaults.fine_tuned(
        path,
        data,
        num_rows,
        seed,
        epochs,
        {} if data in ("wnut17", "ncbi") else {"pooling": pooling},
        {"learning_rate": rate_of_new if start == "new" else rate},
        most_held_out=sys.maxsize,
        load_weights=start != "new",
        encoder_dropout=dropout,
    )
    print(json.dumps(scores))


if __name__ == "__main__":
    main()
