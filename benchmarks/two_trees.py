"""This tree beside another of the same project, such as an earlier commit.

    git worktree add ../earlier COMMIT && make -C ../earlier .venv/test.stamp
    python -m benchmarks.two_trees ../earlier [--rounds 7]

Both trees work in turns, in processes of two threads, with a `.venv` each:
fine-tuning MiniLM from raw text (`finetune_sst2`'s cell), forward pass and
training step of its architecture (`encoder_step`'s), requests to a SavedModel
(`serving`'s), and `TaskModel.from_preset`, of MiniLM and in a process of its
own. Prints the other tree's time divided by this one's, by the median.
"""

import argparse
import contextlib
import csv
import gzip
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from collections.abc import Mapping

from benchmarks import harness

ENCODER_CELLS = [
    {"step": step, "dtype": "float32", "batch": batch, "length": length}
    for step in ("forward", "training")
    for batch, length in ((16, 128), (32, 32))
]
# The same in every tree.
EXPORT = """
import sys
import keras_bert_zoo as zoo
model = zoo.TaskModel.from_preset(
    "minilm_l6_en_uncased", head="classification", labels=["0", "1"],
    pooling="cls", sequence_length=128)
zoo.export(model, sys.argv[1], "saved_model", tokenizer_engine="fast")
"""
LOAD = """
import json, time
start = time.perf_counter(), time.process_time()
import keras_bert_zoo as zoo
zoo.TaskModel.from_preset
imported = time.perf_counter(), time.process_time()
zoo.TaskModel.from_preset(
    "minilm_l6_en_uncased", head="classification", labels=["0", "1"])
ends = time.perf_counter(), time.process_time()
print(json.dumps([e - s for s, e in zip(imported, ends)]))
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("other", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    trees = {"other": options.other.resolve(), "this": harness.ROOT}
    rows = [loading(trees, options.rounds)]
    cell = {"num_rows": 640, "huggingface": ""}
    module = "benchmarks.finetune_contenders.keras_bert_zoo"
    with children(trees, module) as contenders:
        timings = harness.compare(contenders, cell, options.rounds)
        rows.append(row("fine-tuning, 640 sentences", timings))
    module = "benchmarks.encoder_contenders.keras_bert_zoo"
    with children(trees, module) as contenders:
        for cell in ENCODER_CELLS:
            timings = harness.compare(contenders, cell, 3 * options.rounds)
            name = f"{cell['step']}, {cell['batch']} x {cell['length']}"
            rows.append(row(name, timings))
    rows += serving(trees, 3 * options.rounds)
    header = ("cell", "other s", "this s", "other / this", "by processor time")
    print(harness.table(header, rows))


def loading(trees: Mapping[str, pathlib.Path], rounds: int) -> tuple:
    clock = {name: [] for name in trees}
    processor = {name: [] for name in trees}
    for _ in range(rounds):
        for name, tree in trees.items():
            done = run(tree, LOAD)
            seconds, cpu_seconds = json.loads(done.splitlines()[-1])
            clock[name].append(seconds)
            processor[name].append(cpu_seconds)
    timings = {
        name: harness.Timing(tuple(clock[name]), tuple(processor[name]))
        for name in trees
    }
    return row("from_preset, MiniLM", timings)


def serving(trees: Mapping[str, pathlib.Path], rounds: int) -> list[tuple]:
    module = "benchmarks.serving_contenders.saved_model_fast"
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        places = {name: os.path.join(scratch, name) for name in trees}
        for name, tree in trees.items():
            run(tree, EXPORT, places[name])
        with children(trees, module) as contenders:
            for size in (1, 32):
                texts = sentences(size)
                timings = {name: [] for name in trees}
                cpu = {name: [] for name in trees}
                for _ in range(rounds):
                    for name, child in contenders.items():
                        cell = {"fast": places[name], "texts": texts}
                        timing = child.measure(cell, 1)
                        timings[name] += timing.seconds
                        cpu[name] += timing.cpu_seconds
                found = {
                    name: harness.Timing(tuple(timings[name]), tuple(cpu[name]))
                    for name in trees
                }
                rows.append(row(f"10 requests of {size}", found))
    return rows


def sentences(size: int) -> list[list[str]]:
    """Returns ten requests of sentences of SST-2."""
    path = harness.shared_directory() / "data" / "sst2" / "train.tsv.gz"
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        rows = csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
        texts = [row["sentence"] for row, _ in zip(rows, range(10 * size))]
    return [texts[i : i + size] for i in range(0, len(texts), size)]


def python_of(tree: pathlib.Path) -> str:
    return str(tree / ".venv" / "bin" / "python")


def run(tree: pathlib.Path, program: str, *arguments: str) -> str:
    """Runs a program on one tree, returns what it printed."""
    return subprocess.run(
        [python_of(tree), "-c", program, *arguments],
        cwd=tree,
        env=harness.environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


@contextlib.contextmanager
def children(
    trees: Mapping[str, pathlib.Path], module: str
) -> Iterator[dict[str, harness.Child]]:
    with contextlib.ExitStack() as stack:
        yield {
            name: stack.enter_context(
                harness.Child(module, python_of(tree), tree)
            )
            for name, tree in trees.items()
        }


def row(name: str, timings: Mapping[str, harness.Timing]) -> tuple:
    other, this = timings["other"], timings["this"]
    ratios = [
        statistics.median(values) / statistics.median(ours)
        for values, ours in (
            (other.seconds, this.seconds),
            (other.cpu_seconds, this.cpu_seconds),
        )
    ]
    return (
        name,
        f"{other.median_seconds:.3f}",
        f"{this.median_seconds:.3f}",
        *(f"{ratio:.2f}" for ratio in ratios),
    )


if __name__ == "__main__":
    main()
