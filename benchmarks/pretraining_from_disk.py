"""From documents on disk to updated weights, side by side.

    python -m benchmarks.pretraining_from_disk [--rounds 3] [--lines 384]
                                               [--only NAME,NAME]

A pass over the first paragraphs of a novel, a line each, from the file to the
last update: MiniLM-L6's sizes with random weights, its vocabulary, sequences of
128 tokens, batches of 32, AdamW, dropout 0.1, float32. Ours reads chapters as
documents and puts as many sentences into an example as fit; keras-hub's
preprocessor and the tokenizers of zeromodels and transformers make one of each
paragraph, cut to the length or padded to it, as their users do. Tokens are
those of the texts that reach the model, padding and special tokens not counted.

Each contender has a process of its own and two threads; they take turns.
Prints tokens a second by the median pass, and by its processor time, which is
what counts where other work runs on the machine.
`KBZ_PEERS_PYTHON` names the interpreter with PyTorch and transformers.
"""

import argparse
import gzip
import json
import pathlib
import tempfile

import keras_bert_zoo as zoo
from benchmarks import harness
from benchmarks.pretraining_step import CONTENDERS

NAME = "pretraining_from_disk"
BOOK = "data/pretrain/gutenberg/middlemarch.txt.gz"
LENGTH, BATCH_SIZE = 128, 32


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--lines", type=int, default=384)
    parser.add_argument(
        "--only",
        default=",".join(CONTENDERS),
        metavar="NAME,NAME",
        help="contenders to run; what others gave is kept",
    )
    options = parser.parse_args()
    with gzip.open(
        harness.shared_directory() / BOOK, "rt", encoding="utf-8"
    ) as stream:
        lines = stream.read().splitlines()[: options.lines]
    tokenizer = zoo.load_tokenizer("minilm_l6_en_uncased")
    sizes = [len(ids) for ids in tokenizer.tokenize(lines).to_list()]
    names = options.only.split(",")
    cut = sum(min(size, LENGTH - 2) for size in sizes)
    tokens = {**dict.fromkeys(names, cut), "keras_bert_zoo": sum(sizes)}
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        (folder / "corpus.txt").write_text("\n".join(lines) + "\n", "utf-8")
        tokenizer.save(folder)
        cell = {
            "corpus": str(folder / "corpus.txt"),
            "vocabulary": str(folder),
            "length": LENGTH,
            "batch": BATCH_SIZE,
        }
        with harness.children(
            "benchmarks.corpus_contenders",
            names,
            in_peers=["pytorch"],
            in_garden=["zeromodels"],
        ) as children:
            found = harness.compare(children, cell, options.rounds, warm_ups=1)
    cells = {
        name: {
            "tokens": tokens[name],
            "rounds": len(timing.seconds),
            "per_second": tokens[name] / timing.median_seconds,
            "per_cpu_second": tokens[name] / timing.median_cpu_seconds,
        }
        for name, timing in found.items()
    }
    settings = {
        "machine": harness.machine(),
        "lines": options.lines,
        "length": LENGTH,
        "batch": BATCH_SIZE,
    }
    earlier = harness.RESULTS / f"{NAME}.json"
    if earlier.is_file():
        kept = json.loads(earlier.read_text("utf-8"))
        if all(kept[key] == settings[key] for key in settings):
            cells = {**kept["contenders"], **cells}
    harness.write_result(NAME, {**settings, "contenders": cells})
    rows = [
        (
            name,
            f"{cell['tokens']:,}",
            f"{cell['per_second']:,.0f}",
            f"{cell['per_cpu_second']:,.0f}",
        )
        for name, cell in cells.items()
    ]
    header = ("", "tokens", "a second", "a processor second")
    print(harness.table(header, rows))


if __name__ == "__main__":
    main()
