"""BERT-base on a GPU in bfloat16: our layers beside transformers.

    python -m benchmarks.gpu_encoder [--backends jax,torch] [--rounds 5]

For machines with a GPU; TensorFlow need not be there: the layers run on
Keras' JAX or PyTorch backend, in the interpreter `KBZ_PEERS_PYTHON`, which
needs keras, PyTorch, transformers and, for `jax`, JAX. Prints examples/s by
the median of some rounds, and the share of the rate at which PyTorch
multiplies two large matrices. Ours goes through `fit` and `predict`, rows in
the host's memory; transformers through a loop with autocast, fused attention
and a fused optimizer. `--try` takes a tiny encoder and keeps nothing: it runs
without a GPU.
"""

import argparse
import itertools
import subprocess

from benchmarks import harness
from benchmarks.gpu_contenders import batches

SHAPES = ((32, 128), (32, 512))
NUM_STEPS = 20
PEER = "transformers"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backends", default="jax,torch")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--try", action="store_true", dest="is_trial")
    options = parser.parse_args()
    backends = options.backends.split(",")
    size, shapes, rows = "base", SHAPES, 8192
    if options.is_trial:
        size, shapes, rows = "tiny", ((2, 16),), 64
    elif not _has_gpu():
        parser.error(
            "A GPU is needed. Received: none that PyTorch sees. Run it on a "
            "machine with one, or try it with --try."
        )
    with harness.Child(
        "benchmarks.gpu_contenders.matrix_rate", harness.peers_python()
    ) as child:
        products = {"rows": rows, "num_products": NUM_STEPS}
        timing = child.measure(products, repeats=options.rounds)
    rate = NUM_STEPS * float(rows) ** 3 / min(timing.seconds)
    results = {
        "machine": harness.machine(),
        "size": size,
        "multiply_adds_per_second": rate,
        "cells": [],
    }
    for step, (batch, length) in itertools.product(
        ("forward", "training"), shapes
    ):
        cell = {
            "step": step,
            "size": size,
            "batch": batch,
            "length": length,
            "num_steps": NUM_STEPS,
        }
        found = {}
        timings = _timings(cell, backends, options)
        for name, timing in timings.items():
            seconds = timing.median_seconds / NUM_STEPS
            found[name] = {
                "examples_per_second": batch / seconds,
                "share_of_matrix_rate": batches.multiply_adds(cell)
                / seconds
                / rate,
            }
        results["cells"].append({**cell, "contenders": found})
    if not options.is_trial:
        harness.write_result("gpu_encoder", results)
    print(report(results))


def _has_gpu() -> bool:
    code = "import sys, torch; sys.exit(not torch.cuda.is_available())"
    done = subprocess.run([harness.peers_python(), "-c", code], check=False)
    return done.returncode == 0


def _timings(
    cell: dict, backends: list[str], options: argparse.Namespace
) -> dict:
    """Runs each contender in a process of its own, and then the next.

    A process that has run on a GPU keeps its memory.
    """
    # JAX would take the processor, with a warning, where it sees no GPU.
    platform = "cpu" if options.is_trial else "cuda"
    timings = {}
    for name in (*backends, PEER):
        module = PEER if name == PEER else "keras_bert_zoo"
        with harness.Child(
            f"benchmarks.gpu_contenders.{module}",
            harness.peers_python(),
            settings={
                "KERAS_BACKEND": name if name != PEER else "torch",
                "JAX_PLATFORMS": platform,
            },
        ) as child:
            timings[name] = child.measure(cell, repeats=options.rounds)
    return timings


def report(results: dict) -> str:
    """Returns the table of the results."""
    rows = []
    for cell in results["cells"]:
        peer = cell["contenders"][PEER]["examples_per_second"]
        for name, found in cell["contenders"].items():
            rows.append(
                (
                    cell["step"],
                    f"{cell['batch']} x {cell['length']}",
                    name if name == PEER else f"ours, {name}",
                    f"{found['examples_per_second']:.1f}",
                    f"{found['share_of_matrix_rate']:.2f}",
                    f"{found['examples_per_second'] / peer:.2f}",
                )
            )
    header = (
        "step",
        "batch x length",
        "contender",
        "examples/s",
        "share of peak",
        "to transformers",
    )
    return harness.table(header, rows)


if __name__ == "__main__":
    main()
