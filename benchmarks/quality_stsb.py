"""Correlations of MiniLM fine-tuned on STS-B, over several seeds.

    python -m benchmarks.quality_stsb [--seeds 3] [--afresh]

Pearson's and Spearman's on the test rows, in points. Both contenders start
from the same encoder weights and follow one recipe
(`stsb_contenders/recipe.py`): the mean of the tokens' vectors with dropout and
a new projection, scores centred and scaled, AdamW, linear warm-up and decay,
float32. Ours groups texts of like length, eight batches at a time; the PyTorch
loop shuffles freely.
Each run is a process of its own and its result is kept at once: started
again, the script resumes. `KBZ_PEERS_PYTHON` names the interpreter with
PyTorch.
"""

import argparse
import pathlib
import tempfile

import numpy as np

from benchmarks import finetune_sst2
from benchmarks import harness
from benchmarks import seeds
from benchmarks.stsb_contenders import recipe
from task_heads.classification.metrics import spearman_correlation

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
            "quality_stsb",
            "benchmarks.stsb_contenders",
            {name: (name, str(source)) for name in CONTENDERS},
            options.seeds,
            {
                "epochs": recipe.EPOCHS,
                "batch_size": recipe.BATCH_SIZE,
                "learning_rate": recipe.LEARNING_RATE,
            },
            afresh=options.afresh,
        )
    _, truth = recipe.read("test")
    for runs in results["runs"].values():
        for run in runs.values():
            answers = run.pop("answers", None)
            if answers is not None:
                run["pearson"] = 100 * np.corrcoef(truth, answers)[0, 1]
                run["spearman"] = 100 * spearman_correlation(truth, answers)
    harness.write_result("quality_stsb", results)
    print(seeds.table(results, ("pearson", "spearman")))


if __name__ == "__main__":
    main()
