"""Exact match and F1 of MiniLM fine-tuned on SQuAD, over several seeds.

    python -m benchmarks.quality_span_qa [--seeds 3] [--only NAME,NAME]
                                         [--afresh] [--limit 32]

SQuAD 1.1's development articles, 38 to learn from and 10 to answer. All
contenders start from the same encoder weights and follow one recipe
(`span_qa_contenders/recipe.py`): AdamW, linear warm-up and decay, float32,
sequences of at most 384 tokens that overlap by 128, batches padded to their
longest. Ours groups sequences of like length, or with `--only
keras_bert_zoo_packed` draws them freely and packs them into rows; the PyTorch
loop shuffles freely, computes each batch in four parts of like length for the
same gradient sooner, and leaves padding out of the loss. Each run is a process
of its own and its result is kept at once: started again, the script goes on
where it stopped. `--limit` tries it on some questions and keeps nothing.
`KBZ_PEERS_PYTHON` names the interpreter with PyTorch.
"""

import argparse
import pathlib
import tempfile

from benchmarks import seeds
from benchmarks import speed_span_qa
from benchmarks.span_qa_contenders import recipe

CONTENDERS = ("keras_bert_zoo", "pytorch")


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
        "--afresh", action="store_true", help="forget earlier runs"
    )
    parser.add_argument("--limit", type=int, default=0, help="questions")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        source = pathlib.Path(scratch) / "huggingface"
        speed_span_qa.export(source)
        arguments = (str(options.limit), str(source))
        results = seeds.run_all(
            "quality_span_qa",
            "benchmarks.span_qa_contenders",
            {name: (name, *arguments) for name in options.only.split(",")},
            options.seeds,
            {
                "epochs": recipe.EPOCHS,
                "batch_size": recipe.BATCH_SIZE,
                "learning_rate": recipe.LEARNING_RATE,
            },
            afresh=options.afresh,
            keep=not options.limit,
        )
    print(seeds.table(results, ("exact_match", "f1")))


if __name__ == "__main__":
    main()
