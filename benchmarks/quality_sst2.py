"""Test accuracy of MiniLM fine-tuned on SST-2, over several seeds.

    python -m benchmarks.quality_sst2 [--seeds 3] [--afresh]

Both contenders start from the same encoder weights and follow one recipe
(`quality_contenders/recipe.py`): AdamW, linear warm-up and decay, float32, the
pooled output with dropout and a new projection. Ours groups texts of like
length; the PyTorch loop shuffles freely. Each run is a process of its own and
its result is kept at once: started again, the script goes on where it
stopped. `KBZ_PEERS_PYTHON` names the interpreter with PyTorch.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from benchmarks import finetune_sst2
from benchmarks import harness
from benchmarks.quality_contenders import recipe

CONTENDERS = ("keras_bert_zoo", "pytorch")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--afresh", action="store_true", help="forget earlier runs"
    )
    options = parser.parse_args()
    results = {
        "epochs": recipe.EPOCHS,
        "batch_size": recipe.BATCH_SIZE,
        "learning_rate": recipe.LEARNING_RATE,
        "accuracy": {name: {} for name in CONTENDERS},
        "seconds": {name: {} for name in CONTENDERS},
    }
    earlier = harness.RESULTS / "quality_sst2.json"
    if earlier.is_file() and not options.afresh:
        results = json.loads(earlier.read_text("utf-8"))
    with tempfile.TemporaryDirectory() as scratch:
        source = pathlib.Path(scratch) / "huggingface"
        finetune_sst2.export(source)
        for seed in map(str, range(options.seeds)):
            for name in CONTENDERS:
                if seed in results["accuracy"][name]:
                    continue
                start = time.perf_counter()
                found = run(name, seed, source)
                results["accuracy"][name][seed] = found["accuracy"]
                results["seconds"][name][seed] = round(
                    time.perf_counter() - start
                )
                harness.write_result("quality_sst2", results)
    print(report(results))


def run(name: str, seed: str, source: pathlib.Path) -> dict:
    """Returns what one contender's process prints last."""
    python = harness.peers_python() if name == "pytorch" else sys.executable
    done = subprocess.run(
        [
            python,
            "-m",
            f"benchmarks.quality_contenders.{name}",
            seed,
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
    for name in CONTENDERS:
        found = list(results["accuracy"][name].values())
        spread = statistics.stdev(found) if len(found) > 1 else 0.0
        rows.append(
            (
                name,
                ", ".join(f"{value:.2f}" for value in found),
                f"{statistics.mean(found):.2f}",
                f"{spread:.2f}",
            )
        )
    header = ("contender", "test accuracy, %", "mean", "deviation")
    return harness.table(header, rows)


if __name__ == "__main__":
    main()
