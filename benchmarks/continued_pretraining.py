"""What MiniLM gains from reading a domain's sentences before it is trained.

    python -m benchmarks.continued_pretraining [--seeds 3] [--encoders DIR]
                                               [--afresh] [--limit 0]

The domain is NCBI-disease: abstracts on diseases. MiniLM is published without a
masked-LM head, so that its perplexity before has to be read off a new one: on
the frozen encoder this head learns from the training sentences, for as many
passes as the whole model does. Perplexity and accuracy are those of the test
sentences' masked tokens, beside what frequencies alone give. Then taggers learn
from a tenth of the labels, on either encoder, and their entity F1 on the test
sentences is counted as seqeval counts. One encoder is adapted, and `--seeds`
taggers are trained on it. All else is defaults.

Each run is a process of its own and its result is saved at once: started again
with the same `--encoders`, the script resumes. `--limit 8` tries it on 8
sentences and saves nothing.
"""

import argparse
import contextlib
import pathlib
import tempfile

from benchmarks import seeds
from benchmarks.adaptation_contenders import recipe

NAME = "continued_pretraining"
PACKAGE = "benchmarks.adaptation_contenders"
SETTINGS = {
    "passes": recipe.PASSES,
    "num_labelled": recipe.NUM_LABELLED,
    "tagging_passes": recipe.TAGGING_PASSES,
    "batch_size": recipe.BATCH_SIZE,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--encoders",
        metavar="DIR",
        help="where adapted encoders are kept; a temporary directory if left "
        "out",
    )
    parser.add_argument(
        "--afresh", action="store_true", help="forget earlier runs"
    )
    parser.add_argument(
        "--limit", type=int, default=0, help="read only so many sentences"
    )
    options = parser.parse_args()
    limit = str(options.limit)
    with contextlib.ExitStack() as stack:
        directory = pathlib.Path(
            options.encoders
            or stack.enter_context(tempfile.TemporaryDirectory())
        )
        encoders = {
            "published": ("head", directory / "published"),
            "adapted": ("all", directory / "adapted"),
        }
        seeds.run_all(
            NAME,
            PACKAGE,
            {
                f"masked LM {title}": ("masked_lm", trained, limit, str(path))
                for title, (trained, path) in encoders.items()
            },
            1,
            SETTINGS,
            afresh=options.afresh,
            keep=not options.limit,
        )
        results = seeds.run_all(
            NAME,
            PACKAGE,
            {
                f"tagging {title}": ("tagging", limit, str(path))
                for title, (_, path) in encoders.items()
            },
            options.seeds,
            SETTINGS,
            keep=not options.limit,
        )
    print(seeds.table(results, ("perplexity", "accuracy", "f1")))


if __name__ == "__main__":
    main()
