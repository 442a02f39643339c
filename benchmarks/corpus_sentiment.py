"""How much of SST-2's sentiment stands in a corpus, without any encoder.

    python -m benchmarks.corpus_sentiment [--folder DIR]

The corpus and the vocabulary are those of `pretraining_recipes`; film reviews
stand beside it. Counts which tokens are near each other (5 tokens on either
side, or in the same passage of 64), and makes vectors of 256 of these counts by
positive pointwise mutual information and a singular value decomposition (Levy
and Goldberg, 2014). Logistic regressions then predict SST-2's labels from the
mean of a sentence's vectors, from its tokens, and from both. Scores
are accuracies of the development sentences, in points; the regularisation is
chosen by cross-validation on the training ones. Needs the peers' environment,
for scikit-learn.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

from benchmarks import harness
from benchmarks import pretraining_recipes

NAME = "corpus_sentiment"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=pathlib.Path)
    options = parser.parse_args()
    folder = pretraining_recipes.prepared(
        options.folder or pathlib.Path(tempfile.mkdtemp())
    )
    pretraining_recipes.vocabulary(folder, 8192)
    pretraining_recipes.write_reviews(folder)
    module = "benchmarks.sentiment_contenders.word_vectors"
    done = subprocess.run(
        [harness.peers_python(), "-m", module, str(folder)],
        cwd=harness.ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    scores = json.loads(done.stdout.splitlines()[-1])
    harness.write_result(NAME, {"scores": scores})
    rows = [[name, f"{score:.1f}"] for name, score in scores.items()]
    print(harness.table(["features", "accuracy"], rows))


if __name__ == "__main__":
    main()
