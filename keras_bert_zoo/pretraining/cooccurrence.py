"""Token vectors from counts of which tokens stand near which in a corpus.

Letters: `V` tokens of the vocabulary, `C` of them that are counted as
neighbors, `D` dimensions.

Source: Levy and Goldberg, 2014, "Neural word embedding as implicit matrix
factorization", sections 3.2 and 4.2: positive pointwise mutual information and
its largest singular values, whose square roots scale the vectors. Singular
values by power iteration on a random basis: Halko, Martinsson and Tropp, 2011,
"Finding structure with randomness", algorithm 4.4.
"""

from collections.abc import Callable

import numpy as np

from keras_bert_zoo.pretraining.corpus import Corpus

# Neighbors are at most so many tokens away, in the same document.
WINDOW = 5
# Published initial weights have 0.02; small encoders learn faster with this
# (`benchmarks/README.md`).
DEVIATION = 0.05
# Bounds the counts, `V * C` float32, to 512 MiB.
_MOST_COUNTS = 2**27
_MOST_NEIGHBORS = 8192
_CHUNK = 2**20
_NUM_ITERATIONS = 7
_SPARE_DIMENSIONS = 10


def token_vectors(
    corpus: Corpus,
    vocabulary_size: int,
    num_dimensions: int,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> np.ndarray:
    """Returns a vector for each token, to begin an embedding with.

    Tokens with like neighbors have like vectors; a token that the corpus lacks
    has a random one. All are about as long; their mean is 0, their standard
    deviation `DEVIATION`.

    Args:
        corpus: `Corpus`.
        vocabulary_size: int, `V`.
        num_dimensions: int, `D`.
        seed: int. Same seed, same vectors.
        on_progress: called with the number of tokens counted so far and of
            all, or `None`.

    Returns:
        float32 `(V, D)`.
    """
    draws = np.random.default_rng(seed)
    information = _information(_counts(corpus, vocabulary_size, on_progress))
    is_known = information.any(axis=1)
    known = _decomposed(information, num_dimensions, draws)[is_known]
    del information
    vectors = draws.normal(size=(vocabulary_size, num_dimensions))
    vectors[is_known] = 0.0
    vectors[is_known, : known.shape[1]] = known
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors /= np.maximum(lengths, np.finfo("float32").tiny)
    vectors -= vectors.mean(axis=0)
    # Dimensions are singular values in their order: rotated, all are alike.
    rotation, _ = np.linalg.qr(
        draws.normal(size=(num_dimensions, num_dimensions))
    )
    vectors = vectors @ rotation * (DEVIATION * num_dimensions**0.5)
    return vectors.astype("float32")


def _counts(corpus, vocabulary_size, on_progress):
    """Returns how often tokens stand near others, float32 `(V, C)`.

    The others are the `C` most frequent tokens.
    """
    size = min(
        vocabulary_size, _MOST_NEIGHBORS, _MOST_COUNTS // vocabulary_size
    )
    frequencies = np.bincount(corpus.token_ids, minlength=vocabulary_size)
    columns = np.full(vocabulary_size, -1)
    columns[np.argsort(-frequencies, kind="stable")[:size]] = np.arange(size)
    counts = np.zeros(vocabulary_size * size, "float32")
    ends = corpus.sentence_splits[corpus.document_splits[1:]]
    for begin in range(0, corpus.num_tokens, _CHUNK):
        end = min(begin + _CHUNK + WINDOW, corpus.num_tokens)
        ids = corpus.token_ids[begin:end].astype("int64")
        documents = np.searchsorted(ends, np.arange(begin, end), "right")
        for distance in range(1, min(WINDOW, len(ids) - 1) + 1):
            left, right = (
                part[:_CHUNK] for part in (ids[:-distance], ids[distance:])
            )
            is_near = documents[:-distance] == documents[distance:]
            for token, other in (left, right), (right, left):
                column = columns[other]
                counted = is_near[:_CHUNK] & (column >= 0)
                cells, numbers = np.unique(
                    token[counted] * size + column[counted],
                    return_counts=True,
                )
                counts[cells] += numbers
        if on_progress is not None:
            on_progress(
                min(begin + _CHUNK, corpus.num_tokens), corpus.num_tokens
            )
    return counts.reshape(vocabulary_size, size)


def _information(counts):
    """Turns counts into positive pointwise mutual information, in place."""
    of_token = counts.sum(axis=1, dtype="float64", keepdims=True)
    of_neighbor = counts.sum(axis=0, dtype="float64", keepdims=True)
    shares = of_neighbor / max(of_neighbor.sum(), 1.0)
    counts /= np.maximum(of_token, 1.0).astype("float32")
    counts /= np.maximum(shares, np.finfo("float32").tiny).astype("float32")
    # Negative information becomes 0, as does that of pairs never seen.
    np.maximum(counts, 1.0, out=counts)
    return np.log(counts, out=counts)


def _decomposed(matrix, num_dimensions, draws):
    """Returns the first left singular vectors, scaled, `(V, at most D)`."""
    number = min(num_dimensions + _SPARE_DIMENSIONS, *matrix.shape)
    basis = draws.normal(size=(matrix.shape[1], number)).astype("float32")
    for _ in range(_NUM_ITERATIONS):
        outer, _ = np.linalg.qr(matrix @ basis)
        basis = matrix.T @ outer
    inner, values, _ = np.linalg.svd(basis.T, full_matrices=False)
    left = (outer @ inner)[:, :num_dimensions]
    return left * np.sqrt(values[:num_dimensions])
