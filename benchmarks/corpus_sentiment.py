"""How much of SST-2's sentiment stands in a corpus, without any encoder.

    python -m benchmarks.corpus_sentiment [--folder DIR]

The corpus and the vocabulary are those of `pretraining_recipes`; film reviews
stand beside it. Counts which tokens are near each other (5 tokens on either
side, or in the same passage of 64), and makes vectors of 256 of these counts by
positive pointwise mutual information and a singular value decomposition (Levy
and Goldberg, 2014). Logistic regressions then predict SST-2's labels from the
mean of a sentence's vectors, from its tokens, and from both; a convolution does
from its vectors in order, which begin as these, as MiniLM's or at random.
Scores are accuracies of the development sentences, in points; the
regularisation is chosen by cross-validation on the training ones. Needs the
peers' environment, for scikit-learn and PyTorch.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import keras_bert_zoo as zoo  # isort: skip, before TensorFlow
import keras
import numpy as np

from benchmarks import defaults
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
    write_minilm(folder / "minilm")
    scores = peer("word_vectors", folder)
    convolution = peer("convolution", folder)
    harness.write_result(NAME, {"scores": scores, "convolution": convolution})
    rows = [[name, f"{score:.1f}"] for name, score in scores.items()]
    print(harness.table(["features", "accuracy"], rows))
    rows = [[name, *map(str, found)] for name, found in convolution.items()]
    print(harness.table(["vectors", "0", "1", "2"], rows))


def write_minilm(folder: pathlib.Path) -> None:
    """Writes MiniLM's word embeddings and its vocabulary to a folder."""
    folder.mkdir(exist_ok=True)
    encoder = zoo.BertEncoder.from_preset(defaults.PRESET)
    table = keras.ops.convert_to_numpy(encoder.token_embedding)
    np.save(folder / "vectors.npy", table)
    tokenizer = zoo.BertTokenizer.from_preset(defaults.PRESET)
    words = "".join(f"{one}\n" for one in tokenizer.vocabulary.tokens)
    (folder / "vocab.txt").write_text(words, "utf-8")


def peer(name: str, folder: pathlib.Path) -> dict:
    """Returns what a module of the peers' environment found."""
    done = subprocess.run(
        [
            harness.peers_python(),
            "-m",
            f"benchmarks.sentiment_contenders.{name}",
            str(folder),
        ],
        cwd=harness.ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
