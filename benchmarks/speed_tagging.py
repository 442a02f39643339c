"""Sentences a second when taggers are fine-tuned.

    python -m benchmarks.speed_tagging [--sentences 2400] [--rounds 3]

MiniLM on sentences of WNUT-17 and NCBI-disease, taken evenly from all of the
training files, float32, batches of 32 padded to their longest sentence, words
to updated weights. Ours groups sentences of like length; the PyTorch loop
shuffles freely. A process each, two threads each, one epoch in turn, the
building of the input pipeline included.
`KBZ_PEERS_PYTHON` names the interpreter with PyTorch.
"""

import argparse
import pathlib
import tempfile

from benchmarks import finetune_sst2
from benchmarks import harness
from benchmarks.tagging_contenders import recipe

CONTENDERS = ("keras_bert_zoo", "pytorch")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sentences", type=int, default=2400)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    results = {
        "machine": harness.machine(),
        "num_sentences": options.sentences,
        "rounds": options.rounds,
        "corpora": {},
    }
    with tempfile.TemporaryDirectory() as scratch:
        source = pathlib.Path(scratch) / "huggingface"
        finetune_sst2.export(source)
        for corpus in recipe.FILES:
            cell = {
                "corpus": corpus,
                "num_sentences": options.sentences,
                "huggingface": str(source),
            }
            with harness.children(
                "benchmarks.tagging_contenders",
                CONTENDERS,
                in_peers=("pytorch",),
            ) as children:
                timings = harness.compare(children, cell, options.rounds)
            results["corpora"][corpus] = {
                name: {
                    "examples_per_second": options.sentences
                    / timing.median_seconds,
                    "examples_per_cpu_second": options.sentences
                    / timing.median_cpu_seconds,
                }
                for name, timing in timings.items()
            }
            harness.write_result("speed_tagging", results)
    print(report(results))


def report(results: dict) -> str:
    """Returns the table of the results."""
    rows = []
    for corpus, found in results["corpora"].items():
        ours = found["keras_bert_zoo"]
        for name, speeds in found.items():
            ratios = (ours[measure] / speeds[measure] for measure in speeds)
            speed = speeds["examples_per_second"]
            rows.append(
                (corpus, name, f"{speed:.1f}", *(f"{r:.2f}" for r in ratios))
            )
    header = (
        "corpus",
        "contender",
        "examples/s",
        "ours, times as many",
        "by processor time",
    )
    return harness.table(header, rows)


if __name__ == "__main__":
    main()
