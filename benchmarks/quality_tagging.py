"""Entity F1 of taggers fine-tuned from MiniLM, over several seeds.

    python -m benchmarks.quality_tagging [--seeds 3] [--crf] [--afresh]

On WNUT-17 and NCBI-disease, whose test entities are counted as seqeval
counts them. All contenders start from the same encoder weights and follow one
recipe (`tagging_contenders/recipe.py`): AdamW, linear warm-up and decay,
float32, each word learned by its first piece, batches padded to their longest
sentence. Ours groups sentences of like length; the PyTorch loop shuffles
freely. Speed is that of the whole training, the tokenizer and, for ours, the
tracing of graphs included. Each run is a process of its own and its result is
kept at once: started again, the script goes on where it stopped. `--limit 8`
tries it on 8 sentences and keeps nothing. `KBZ_PEERS_PYTHON` names the
interpreter with PyTorch.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from benchmarks import finetune_sst2
from benchmarks import harness
from benchmarks.tagging_contenders import recipe

CONTENDERS = ("keras_bert_zoo", "pytorch")
CRF = "keras_bert_zoo_crf"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--crf", action="store_true", help="run ours with a CRF too"
    )
    parser.add_argument(
        "--afresh", action="store_true", help="forget earlier runs"
    )
    parser.add_argument(
        "--limit", type=int, default=0, help="sentences; all if left out"
    )
    options = parser.parse_args()
    contenders = (*CONTENDERS, CRF) if options.crf else CONTENDERS
    results = {
        "epochs": recipe.EPOCHS,
        "batch_size": recipe.BATCH_SIZE,
        "learning_rate": recipe.LEARNING_RATE,
        "runs": {},
    }
    earlier = harness.RESULTS / "quality_tagging.json"
    if earlier.is_file() and not options.afresh and not options.limit:
        results = json.loads(earlier.read_text("utf-8"))
    with tempfile.TemporaryDirectory() as scratch:
        source = pathlib.Path(scratch) / "huggingface"
        finetune_sst2.export(source)
        for corpus in recipe.FILES:
            for seed in map(str, range(options.seeds)):
                for name in contenders:
                    runs = results["runs"].setdefault(f"{corpus} {name}", {})
                    if seed in runs:
                        continue
                    runs[seed] = run(name, corpus, seed, options.limit, source)
                    if not options.limit:
                        harness.write_result("quality_tagging", results)
    print(report(results))


def run(
    name: str, corpus: str, seed: str, limit: int, source: pathlib.Path
) -> dict:
    """Returns what one contender's process prints last."""
    python = harness.peers_python() if name == "pytorch" else sys.executable
    done = subprocess.run(
        [
            python,
            "-m",
            f"benchmarks.tagging_contenders.{name}",
            corpus,
            seed,
            str(limit),
            str(source),
        ],
        cwd=harness.ROOT,
        env={**os.environ, "OMP_NUM_THREADS": str(harness.NUM_THREADS)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def report(results: dict) -> str:
    """Returns the table of the results."""
    rows = []
    for name, runs in results["runs"].items():
        found = [run["f1"] for run in runs.values()]
        speeds = [run["examples_per_second"] for run in runs.values()]
        spread = statistics.stdev(found) if len(found) > 1 else 0.0
        rows.append(
            (
                *name.split(),
                ", ".join(f"{value:.2f}" for value in found),
                f"{statistics.mean(found):.2f}",
                f"{spread:.2f}",
                f"{statistics.median(speeds):.1f}",
            )
        )
    header = (
        "corpus",
        "contender",
        "test F1, %",
        "mean",
        "deviation",
        "examples/s",
    )
    return harness.table(header, rows)


if __name__ == "__main__":
    main()
