"""Entity F1 of taggers fine-tuned from MiniLM, over several seeds.

    python -m benchmarks.quality_tagging [--seeds 3] [--only NAME,NAME]
                                         [--corpora NAME] [--afresh]

On WNUT-17 and NCBI-disease, whose test entities are counted as seqeval
counts them. All contenders start from the same encoder weights and follow one
recipe (`tagging_contenders/recipe.py`): AdamW, linear warm-up and decay,
float32, each word learned by its first piece, batches of 32 sentences. The
PyTorch loop draws these freely, and computes each batch in four parts of like
length, for the same gradient sooner; ours draws them freely, too, and packs
them into rows (`keras_bert_zoo_packed`), or groups sentences of like length
(`keras_bert_zoo`, what `fit` does by itself). `--only keras_bert_zoo_crf` adds
a CRF to the latter. Each run is a process of its own and its result is kept
at once: started again, the script goes on where it stopped. `--limit 8` tries
it on 8 sentences and keeps nothing.
`KBZ_PEERS_PYTHON` names the interpreter with PyTorch.
"""

import argparse
import pathlib
import tempfile

from benchmarks import finetune_sst2
from benchmarks import seeds
from benchmarks.tagging_contenders import recipe

CONTENDERS = ("keras_bert_zoo_packed", "keras_bert_zoo", "pytorch")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--only",
        default=",".join(CONTENDERS),
        metavar="NAME,NAME",
        help="contenders to run; what others gave is kept",
    )
    parser.add_argument(
        "--corpora", default=",".join(recipe.FILES), metavar="NAME,NAME"
    )
    parser.add_argument(
        "--afresh", action="store_true", help="forget earlier runs"
    )
    parser.add_argument(
        "--limit", type=int, default=0, help="sentences; all if left out"
    )
    options = parser.parse_args()
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
                for corpus in options.corpora.split(",")
                for name in options.only.split(",")
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
