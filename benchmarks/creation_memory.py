"""Memory that making examples of a large corpus takes.

    python -m benchmarks.creation_memory [--megabytes 1000] [--processes 1]

Repeats the novels of the shared data until there are so many megabytes, makes
examples of that file, and looks after each block at how much memory each
process has had at most (VmHWM, Linux). Prints that of the largest for each
fifth of the documents, beyond an empty process with the same libraries.
"""

import argparse
import itertools
import pathlib
import subprocess
import sys
import tempfile
import time

import keras_bert_zoo as zoo
from benchmarks import harness
from keras_bert_zoo.pretraining.documents import read_documents

PARTS = 5
EMPTY = """
import resource
import keras, tensorflow as tf, keras_bert_zoo as zoo
from keras_bert_zoo.pretraining import processes
tf.constant(1.0)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
MAKE = """
import sys
import keras_bert_zoo as zoo
class Heard:
    def on_work(self, what, number):
        print(number, flush=True)
if __name__ == "__main__":
    zoo.make_examples(corpus=[sys.argv[1]], vocabulary=sys.argv[2],
        out=sys.argv[3], processes=int(sys.argv[4]), progress=Heard())
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        corpus, num_documents = _write(folder, options.megabytes * 10**6)
        # All novels once have the words of the whole file.
        zoo.train_vocabulary(corpus=_novels(), out=folder / "words", size=8192)
        empty = float(_python("-c", EMPTY).communicate()[0].split()[-1])
        program = folder / "make.py"
        program.write_text(MAKE)
        start = time.monotonic()
        process = _python(
            *(str(program), str(corpus), str(folder / "words")),
            *(str(folder / "out"), str(options.processes)),
        )
        most = _most_by_part(process, num_documents)
        seconds = time.monotonic() - start
        size = sum(one.stat().st_size for one in (folder / "out").iterdir())
    beyond = [megabytes - empty for megabytes in most]
    harness.write_result(
        "creation_memory",
        {
            "machine": harness.machine(),
            "megabytes": options.megabytes,
            "documents": num_documents,
            "processes": options.processes,
            "seconds": seconds,
            "megabytes_written": size / 1e6,
            "megabytes_of_an_empty_process": empty,
            "megabytes_beyond_it_by_fifths": beyond,
        },
    )
    rows = [
        (f"{part}/{PARTS}", f"{one:.0f}") for part, one in enumerate(beyond, 1)
    ]
    print(harness.table(("documents", "MB beyond an empty process"), rows))
    print(f"an empty process: {empty:.0f} MB; {seconds:.0f} s")


def _novels() -> list[pathlib.Path]:
    folder = harness.shared_directory() / "data" / "pretrain" / "gutenberg"
    return sorted(folder.glob("*.txt.gz"))


def _write(folder: pathlib.Path, size: int) -> tuple[pathlib.Path, int]:
    """Writes the novels again and again; returns how many documents."""
    documents = list(read_documents(_novels(), split="lines"))
    path = folder / "corpus.txt"
    number = 0
    with open(path, "wb") as stream:
        for document in itertools.cycle(documents):
            stream.write("\n".join([*document.sentences, "", ""]).encode())
            number += 1
            if stream.tell() >= size:
                return path, number


def _python(*arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=harness.ROOT,
        env={**harness.environment(), "PYTHONPATH": str(harness.ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )


def _most_by_part(process: subprocess.Popen, num_documents: int) -> list[float]:
    """Returns the most MB of any process, at the end of each fifth."""
    most = [0.0] * PARTS
    for line in process.stdout:
        part = min(int(line) * PARTS // num_documents, PARTS - 1)
        for megabytes in map(_megabytes, _family(process.pid)):
            most[part] = max(most[part], megabytes)
    if process.wait():
        raise RuntimeError(f"Making ended with status {process.returncode}.")
    return most


def _family(pid: int) -> list[int]:
    """Returns the numbers of a process and of those that it started."""
    threads = pathlib.Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(n) for one in threads for n in one.read_text().split()]
    return [pid, *itertools.chain.from_iterable(map(_family, children))]


def _megabytes(pid: int) -> float:
    """Returns the most memory that a process had so far."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    (line,) = [one for one in status.splitlines() if one.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
