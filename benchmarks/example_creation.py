"""Pre-training examples of a corpus: documents a second on one core.

    python -m benchmarks.example_creation [--rounds 3]

Both contenders read the same novels of the shared data, a sentence on each
line and a chapter a document, and write TFRecords of 128 tokens with masks and
next-sentence labels once; the vocabulary has 8,192 tokens. They take turns.
Prints documents a second by processor time, and the memory that our process
takes beyond an empty one with TensorFlow for the same text repeated.
`KBZ_GARDEN_PYTHON` names the interpreter with tf-models-official.
"""

import argparse
import gzip
import pathlib
import subprocess
import sys
import tempfile

import keras_bert_zoo as zoo
from benchmarks import harness
from keras_bert_zoo.pretraining.documents import read_documents

NOVELS = ("dracula", "emma", "frankenstein", "middlemarch", "war-and-peace")
NAMES = ("keras_bert_zoo", "model_garden")
REPETITIONS = (1, 10)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        corpus, num_documents = _write(folder / "corpus.txt")
        zoo.train_vocabulary(corpus=[corpus], out=folder / "words", size=8192)
        cell = {
            "corpus": str(corpus),
            "vocabulary": str(folder / "words"),
            "scratch": scratch,
            "length": 128,
        }
        with harness.children(
            "benchmarks.creation_contenders",
            NAMES,
            in_garden=["model_garden"],
        ) as children:
            found = harness.compare(children, cell, options.rounds, warm_ups=1)
        memory = {
            number: _memory(folder, corpus, number) for number in REPETITIONS
        }
    speeds = {
        name: num_documents / timing.median_cpu_seconds
        for name, timing in found.items()
    }
    harness.write_result(
        "example_creation",
        {
            "machine": harness.machine(),
            "documents": num_documents,
            "documents_per_second": speeds,
            "ratio": speeds[NAMES[0]] / speeds[NAMES[1]],
            "megabytes_beyond_tensorflow": memory,
        },
    )
    rows = [(name, f"{speed:.1f}") for name, speed in speeds.items()]
    print(harness.table(("contender", "documents/s"), rows))
    print(f"ratio {speeds[NAMES[0]] / speeds[NAMES[1]]:.1f}")
    for number, megabytes in memory.items():
        print(f"{number} x the corpus: {megabytes:.0f} MB beyond TensorFlow")


def _write(path: pathlib.Path) -> tuple[pathlib.Path, int]:
    """Writes sentences of the novels, and returns how many chapters."""
    folder = harness.shared_directory() / "data" / "pretrain" / "gutenberg"
    files = [folder / f"{name}.txt.gz" for name in NOVELS]
    documents = list(read_documents(files))
    texts = ["\n".join(one.sentences) for one in documents]
    path.write_text("\n\n".join(texts) + "\n\n", "utf-8")
    return path, len(documents)


def _memory(folder: pathlib.Path, corpus: pathlib.Path, number: int) -> float:
    """Returns the most MB of a process for a corpus, beyond an empty one."""
    text = corpus.read_bytes()
    path = folder / f"{number}.txt.gz"
    with gzip.open(path, "wb", 1) as stream:
        for _ in range(number):
            stream.write(text)
    begin = (
        "import resource, keras, tensorflow as tf, keras_bert_zoo as zoo;"
        "tf.constant(1.0);"
    )
    make = (
        f"zoo.make_examples(corpus=[{str(path)!r}], split='lines', "
        f"vocabulary={str(folder / 'words')!r}, "
        f"out={str(folder / f'memory_{number}')!r});"
    )
    end = "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    most = [
        float(
            subprocess.run(
                [sys.executable, "-c", program],
                cwd=harness.ROOT,
                env=harness.environment(),
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            ).stdout.split()[-1]
        )
        for program in (begin + end, begin + make + end)
    ]
    return most[1] - most[0]


if __name__ == "__main__":
    main()
