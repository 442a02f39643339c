"""Entity F1 of taggers fine-tuned from MiniLM, over several seeds.

    python -m benchmarks.quality_tagging [--seeds 3] [--crf] [--afresh]

On WNUT-17 and NCBI-disease, whose test entities are counted as seqeval
counts them. All contenders start from the same encoder weights and follow one
recipe (`tagging_contenders/recipe.py`): AdamW, linear warm-up and decay,
float32, each word learned by its first piece, batches padded to their longest
sentence. Ours groups sentences of like length; the PyTorch loop shuffles
freely. Each run is a process of its own and its result is kept at once:
started again, the script goes on where it stopped. `--limit 8` tries it on 8
sentences and keeps nothing. `KBZ_PEERS_PYTHON` names the interpreter with
PyTorch.
"""

import argparse
import pathlib
import tempfile

from benchmarks import finetune_sst2
from benchmarks import seeds
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
    names = (*CONTENDERS, CRF) if options.crf else CONTENDERS
    with tempfile.TemporaryDirectory() as scratch:
        source = pathlib.Path(scratch) / "huggingface"
        finetune_sst2.export(source)
        results = seeds.run_all(
            "quality_tagging",
            "benchmarks.tagging_contenders",
            {
                f"{corpus} {name}": (
                    name,
                    corpus,
                    str(options.limit),
                    str(source),
                )
                for corpus in recipe.FILES
                for name in names
            },
            options.seeds,
            {
                "epochs": recipe.EPOCHS,
                "batch_size": recipe.BATCH_SIZE,
                "learning_rate": recipe.LEARNING_RATE,
            },
            afresh=options.afresh,
            keep=not options.limit,
        )
    print(seeds.table(results, ("f1",)))


if __name__ == "__main__":
    main()
