"""How well word vectors of a corpus tell SST-2's labels, without an encoder.

    python -m benchmarks.sentiment_contenders.word_vectors FOLDER

Runs in the peers' environment, and prints scores as a JSON object: see
`corpus_sentiment`, which prepares the folder.
"""

import argparse
import csv
import gzip
import json
import pathlib

import numpy as np
import scipy.sparse
import tokenizers
from sklearn.linear_model import LogisticRegressionCV
from sklearn.utils.extmath import randomized_svd

from benchmarks import harness

WINDOW = 5
PASSAGE = 64
NUM_DIMENSIONS = 256
STRENGTHS = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    folder = parser.parse_args().folder
    tokenizer = opened(folder / "words_8192" / "vocab.txt")
    size = tokenizer.get_vocab_size()
    parts = {part: sentences(part, tokenizer) for part in ("train", "dev")}
    tokens = {part: bags(ids, size) for part, (ids, _) in parts.items()}
    labels = {part: found for part, (_, found) in parts.items()}
    random = np.random.default_rng(0).normal(size=(size, NUM_DIMENSIONS))
    vectors = {"random vectors": random}
    for text in ("corpus", "reviews"):
        ids = passages(folder / f"{text}.txt", tokenizer)
        vectors[f"{text}, near"] = decomposed(near(ids, size))
        vectors[f"{text}, same passage"] = decomposed(together(ids, size))
    present = {part: one.sign() for part, one in tokens.items()}
    scores = {"tokens": score(present, labels)}
    for name, table in vectors.items():
        means = mean_vectors(tokens, table)
        both = {
            part: scipy.sparse.hstack([present[part], means[part]]).tocsr()
            for part in present
        }
        scores[name] = score(means, labels)
        scores[f"tokens and {name}"] = score(both, labels)
    print(json.dumps(scores))


def opened(path):
    """Returns a tokenizer of a vocabulary."""
    return tokenizers.BertWordPieceTokenizer(str(path), lowercase=True)


def sentences(part, tokenizer):
    """Returns the token ids of SST-2's sentences, and their labels."""
    path = harness.shared_directory() / "data" / "sst2"
    name = "train.tsv.gz" if part == "train" else "dev.tsv"
    opened = gzip.open if name.endswith(".gz") else open
    with opened(path / name, "rt", encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    rows = rows[1:]
    texts = [one.ids for one in tokenizer.encode_batch([r[0] for r in rows])]
    return [ids[1:-1] for ids in texts], np.array([int(r[1]) for r in rows])


def passages(path, tokenizer):
    """Returns the ids of a text, each passage an array."""
    found = []
    for line in path.read_text("utf-8").split("\n\n"):
        ids = tokenizer.encode(line, add_special_tokens=False).ids
        found += [
            np.array(ids[begin : begin + PASSAGE])
            for begin in range(0, len(ids), PASSAGE)
        ]
    return found


def bags(texts, size):
    """Returns how often each token stands in each text, as a matrix."""
    columns = np.concatenate([np.asarray(ids, int) for ids in texts])
    rows = np.repeat(np.arange(len(texts)), [len(ids) for ids in texts])
    ones = np.ones(len(columns))
    return scipy.sparse.csr_matrix(
        (ones, (rows, columns)), shape=(len(texts), size)
    )


def near(texts, size):
    """Returns how often two tokens stand near each other."""
    counts = scipy.sparse.csr_matrix((size, size))
    for distance in range(1, WINDOW + 1):
        left = np.concatenate([ids[:-distance] for ids in texts])
        right = np.concatenate([ids[distance:] for ids in texts])
        ones = np.ones(len(left))
        counts += scipy.sparse.csr_matrix((ones, (left, right)), (size, size))
    return counts + counts.T


def together(texts, size):
    """Returns in how many passages two tokens stand."""
    present = bags(texts, size).sign()
    return (present.T @ present).tocsr()


def decomposed(counts):
    """Returns a vector for each token."""
    counts = counts.tocoo()
    totals = np.asarray(counts.sum(axis=0)).ravel()
    information = np.log(
        counts.data * totals.sum() / totals[counts.row] / totals[counts.col]
    )
    positive = scipy.sparse.csr_matrix(
        (np.maximum(information, 0), (counts.row, counts.col)), counts.shape
    )
    left, strengths, _ = randomized_svd(
        positive, NUM_DIMENSIONS, random_state=0
    )
    return left * np.sqrt(strengths)


def mean_vectors(tokens, table):
    """Returns the mean vector of each text, of unit deviation in training."""
    means = {
        part: one @ table / np.maximum(np.asarray(one.sum(axis=1)), 1)
        for part, one in tokens.items()
    }
    centre, scale = means["train"].mean(axis=0), means["train"].std(axis=0)
    return {part: (one - centre) / scale for part, one in means.items()}


def score(features, labels):
    """Returns the accuracy of a logistic regression, in points."""
    model = LogisticRegressionCV(
        Cs=STRENGTHS,
        l1_ratios=(0,),
        cv=5,
        max_iter=1000,
        scoring="accuracy",
        use_legacy_attributes=False,
    )
    model.fit(features["train"], labels["train"])
    found = model.score(features["dev"], labels["dev"])
    return round(100 * float(found), 2)


if __name__ == "__main__":
    main()
