"""What a training step takes of a TPU chip or a GPU, as its compiler has it.

    python -m benchmarks.chip_memory [--chips v5e,h200] [--afresh]

Neither is needed, and nothing is run: the whole step of each head (forward and
backward pass, loss, AdamW, metrics) is compiled by XLA for one chip, and that
says how many bytes the program needs. BERT-base with random weights, dropout
0.1. Every cell is kept when it is measured.
"""

# First, because it settles how TensorFlow, loaded next, is set up.
import keras_bert_zoo as zoo  # isort: skip

import argparse
import itertools
import json
import subprocess
import time
from collections.abc import Callable
from collections.abc import Sequence

from benchmarks import harness
from benchmarks.first_step_contenders import batches
from keras_bert_zoo import testing
from keras_bert_zoo.testing.tpu_readiness import training_steps
from task_heads.classification.head import ClassificationHead
from task_heads.masked_lm.head import MaskedTokenHead
from task_heads.multi_task.head import MultiTaskHead
from task_heads.span_qa.head import SpanQAHead
from task_heads.tagging.head import TaggingHead

TAGS = ["O", *(f"{mark}-{name}" for name in "abcd" for mark in "BI")]
LABELS = ["a", "b"]
HEADS = {
    "classification": lambda: ClassificationHead(LABELS),
    "tagging": lambda: TaggingHead(TAGS),
    "tagging, CRF": lambda: TaggingHead(TAGS, crf=True),
    "span_qa": SpanQAHead,
    "masked_lm": MaskedTokenHead,
    "multi_task": lambda: MultiTaskHead(
        {"kind": ClassificationHead(LABELS), "slots": TaggingHead(TAGS)}
    ),
}
HALF = "mixed_bfloat16"
SHAPES = ((8, 128), (32, 128), (128, 128), (32, 512))
CELLS = (
    *((head, 32, 128, HALF) for head in HEADS if head != "classification"),
    *(
        ("classification", *shape, dtype)
        for dtype in (HALF, "float32")
        for shape in SHAPES
    ),
)
CHIPS = ("v4", "v5e", "v6e", "h200")
NAMES = ("chip", "head", "batch", "length", "dtype")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--chips", default="v5e,h200", help=f"of {', '.join(CHIPS)}"
    )
    parser.add_argument(
        "--afresh", action="store_true", help="forget earlier cells"
    )
    options = parser.parse_args()
    chips = options.chips.split(",")
    if not set(chips) <= set(CHIPS):
        parser.error(
            f"--chips are some of {', '.join(CHIPS)}. "
            f"Received: {options.chips}."
        )
    results = {"cells": []}
    earlier = harness.RESULTS / "chip_memory.json"
    if earlier.is_file() and not options.afresh:
        results = json.loads(earlier.read_text("utf-8"))
    measured = [[cell[name] for name in NAMES] for cell in results["cells"]]
    for chip, cell in itertools.product(chips, CELLS):
        if [chip, *cell] in measured:
            continue
        begin = time.perf_counter()
        found = compiled(*_step(*cell), chip)
        found["seconds"] = round(time.perf_counter() - begin, 1)
        cell = dict(zip(NAMES, (chip, *cell), strict=True))
        results["cells"].append({**cell, **found})
        harness.write_result("chip_memory", results)
        print(results["cells"][-1], flush=True)
    print(report(results))


def _step(head: str, batch: int, length: int, dtype: str) -> tuple:
    """Returns a training step, and the types of what it takes."""
    encoder = zoo.BertEncoder(
        **batches.SIZES, attention_dropout=0.1, dtype=dtype
    )
    model = zoo.TaskModel(
        encoder,
        HEADS[head](),
        testing.tiny_tokenizer(["a"]),
        sequence_length=length,
    )
    model.compile()
    ((_, step, types),) = training_steps(model, batch, [length])
    return step, types


def compiled(step: Callable, types: Sequence, chip: str) -> dict:
    """Returns what a step takes of a chip, in bytes, by kind of use.

    Args:
        step: `tf.function` that XLA compiles.
        types: `tf.TensorSpec` of each of its tensors.
        chip: str. One of `CHIPS`.

    Raises:
        subprocess.CalledProcessError: if it does not compile; the compiler
            says why on stderr.
    """
    program = step.experimental_get_compiler_ir(*types)(stage="stablehlo")
    script = harness.ROOT / "benchmarks" / "peers" / "compile_for_chip.py"
    done = subprocess.run(
        [harness.peers_python(), script, chip],
        input=program,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def report(results: dict) -> str:
    """Returns the table of all cells, in GB."""
    header = ("chip", "head", "batch", "dtype", "state", "further", "all")
    rows = []
    for cell in results["cells"]:
        state = cell["arguments"]
        further = cell["outputs"] + cell["temporaries"] + cell["code"]
        sizes = [
            f"{size / 1e9:.2f}" for size in (state, further, state + further)
        ]
        shape = f"{cell['batch']} x {cell['length']}"
        names = (cell["chip"], cell["head"], shape, cell["dtype"])
        rows.append((*names, *sizes))
    return harness.table(header, rows)


if __name__ == "__main__":
    main()
