"""Token vectors from counts of neighbors."""

import numpy as np
import pytest
import small_corpus

from keras_bert_zoo.pretraining import cooccurrence
from keras_bert_zoo.pretraining.corpus import tokenize_documents
from keras_bert_zoo.pretraining.documents import Document


def information(corpus, size):
    """Returns positive pointwise mutual information, pair by pair."""
    counts = np.zeros((size, size))
    bounds = corpus.sentence_splits[corpus.document_splits]
    for begin, end in zip(bounds, bounds[1:]):
        ids = corpus.token_ids[begin:end].tolist()
        for place, token in enumerate(ids):
            for other in range(max(place - 5, 0), min(place + 6, len(ids))):
                if other != place:
                    counts[token, ids[other]] += 1
    total = counts.sum()
    found = np.zeros((size, size))
    for token, other in zip(*counts.nonzero()):
        shares = counts[token].sum() * counts[:, other].sum() / total**2
        found[token, other] = max(
            np.log(counts[token, other] / total / shares), 0
        )
    return found


@pytest.mark.parametrize("chunk", (1, 7, 10**6))
def test_vectors_have_the_angles_of_the_counts(monkeypatch, chunk):
    monkeypatch.setattr(cooccurrence, "_CHUNK", chunk)
    corpus = small_corpus.corpus()
    size = small_corpus.tokenizer().vocabulary_size
    expected = information(corpus, size)
    left, values, _ = np.linalg.svd(expected)
    expected = left * np.sqrt(values)
    heard = []
    vectors = cooccurrence.token_vectors(
        corpus, size, 24, on_progress=lambda *numbers: heard.append(numbers)
    )
    assert heard[-1] == (corpus.num_tokens, corpus.num_tokens)
    # All were moved by one vector; differences were not.
    known = np.unique(corpus.token_ids)
    expected = expected[known]
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)

    def distances(of):
        return np.linalg.norm(of[:, None] - of[None], axis=-1)

    scale = cooccurrence.DEVIATION * 24**0.5
    np.testing.assert_allclose(
        distances(vectors[known]), scale * distances(expected), atol=1e-4
    )


def test_tokens_with_like_neighbors_are_near_each_other():
    lines = [
        f"the {animal} {verb}"
        for animal in ("cat", "dog", "bird")
        for verb in ("saw", "slept")
    ]
    documents = [Document([line], str(n)) for n, line in enumerate(lines)]
    tokenizer = small_corpus.tokenizer()
    corpus = tokenize_documents(documents, tokenizer)
    vectors = cooccurrence.token_vectors(corpus, tokenizer.vocabulary_size, 16)
    cat, dog, saw = (
        vectors[tokenizer.tokenize([word]).flat_values[0]]
        for word in ("cat", "dog", "saw")
    )
    assert np.linalg.norm(cat - dog) < 0.5 * np.linalg.norm(cat - saw)


@pytest.mark.parametrize("most", (2, 5, 2**20))
def test_vectors_are_like_draws_in_size(monkeypatch, most):
    monkeypatch.setattr(cooccurrence, "_MOST_NEIGHBORS", most)
    corpus = small_corpus.corpus()
    size = small_corpus.tokenizer().vocabulary_size
    vectors = cooccurrence.token_vectors(corpus, size, 64, seed=3)
    assert (vectors.dtype, vectors.shape) == ("float32", (size, 64))
    np.testing.assert_allclose(vectors.mean(axis=0), 0, atol=1e-6)
    assert 0.5 * cooccurrence.DEVIATION < vectors.std() < 0.051
    # Those of tokens that the corpus lacks differ, too.
    unseen = np.setdiff1d(np.arange(size), corpus.token_ids)
    assert len(np.unique(vectors[unseen], axis=0)) == len(unseen) > 4
    again = cooccurrence.token_vectors(corpus, size, 64, seed=3)
    assert (vectors == again).all()
    other = cooccurrence.token_vectors(corpus, size, 64, seed=4)
    assert (vectors != other).any()


def test_a_single_token_has_no_neighbors():
    tokenizer = small_corpus.tokenizer()
    corpus = tokenize_documents([Document(["cat"], "a")], tokenizer)
    vectors = cooccurrence.token_vectors(corpus, tokenizer.vocabulary_size, 8)
    assert np.isfinite(vectors).all()
    assert len(np.unique(vectors, axis=0)) == tokenizer.vocabulary_size
