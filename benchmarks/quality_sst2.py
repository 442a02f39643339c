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
import pathlib
import tempfile

from benchmarks import finetune_sst2
from benchmarks import seeds
from benchmarks.quality_contenders import recipe

CONTENDERS = ("keras_bert_zoo", "pytorch")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--afresh", action="store_true", help="forget earlier runs"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        source = pathlib.Path(scratch) / "huggingface"
        finetune_sst2.export(source)
        results = seeds.run_all(
            "quality_sst2",
            "benchmarks.quality_contenders",
            {name: (name, str(source)) for name in CONTENDERS},
            options.seeds,
            {
                "epochs": recipe.EPOCHS,
                "batch_size": recipe.BATCH_SIZE,
                "learning_rate": recipe.LEARNING_RATE,
            },
            afresh=options.afresh,
        )
    print(seeds.table(results, ("accuracy",)))


if __name__ == "__main__":
    main()
