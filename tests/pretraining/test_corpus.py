"""Tokens of documents, and documents held out."""

import numpy as np
import pytest
import small_corpus

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.pretraining import corpus as corpora
from keras_bert_zoo.pretraining.corpus import tokenize_documents
from keras_bert_zoo.pretraining.documents import Document


def sentences(corpus):
    bounds = corpus.sentence_splits
    ids = [corpus.token_ids[a:b].tolist() for a, b in zip(bounds, bounds[1:])]
    splits = corpus.document_splits
    return [ids[a:b] for a, b in zip(splits, splits[1:])]


def test_a_corpus_has_the_tokens_of_each_sentence(monkeypatch):
    monkeypatch.setattr(corpora, "_BATCH_SENTENCES", 20)
    documents = small_corpus.documents()
    tokenizer = small_corpus.tokenizer()
    expected = [
        tokenizer.tokenize(one.sentences).to_list() for one in documents
    ]
    heard = []
    found = tokenize_documents(
        iter(documents), tokenizer, lambda *numbers: heard.append(numbers)
    )
    assert sentences(found) == expected
    assert found.origins == [one.origin for one in documents]
    assert len(heard) > 1
    assert heard[-1] == (found.num_documents, found.num_tokens)
    assert found.token_ids.dtype == "uint16"


def test_sentences_and_documents_without_tokens_are_left_out():
    documents = [
        Document(["\u200b", "cat"], "a"),
        Document(["\u200b"], "b"),
        Document(["dog"], "c"),
    ]
    found = tokenize_documents(documents, small_corpus.tokenizer())
    assert [len(one) for one in sentences(found)] == [1, 1]
    assert found.origins == ["a", "c"]


def test_a_corpus_without_a_token_is_refused():
    with pytest.raises(InputError, match="at least one document"):
        tokenize_documents([], small_corpus.tokenizer())


def test_held_out_documents_are_not_learned_from():
    corpus = small_corpus.corpus(20)
    train, held_out = corpus.held_out(0.2, seed=3)
    assert sorted([*train.origins, *held_out.origins]) == sorted(corpus.origins)
    assert 0.1 < held_out.num_tokens / corpus.num_tokens < 0.35
    by_origin = dict(zip(corpus.origins, sentences(corpus)))
    for part in (train, held_out):
        assert sentences(part) == [by_origin[one] for one in part.origins]
    again, _ = corpus.held_out(0.2, seed=3)
    other, _ = corpus.held_out(0.2, seed=4)
    assert again.digest() == train.digest() != other.digest()


def test_nothing_can_be_held_out():
    train, held_out = small_corpus.corpus().held_out(0.0, seed=0)
    assert held_out.num_documents == held_out.num_tokens == 0
    assert train.digest() == small_corpus.corpus().digest()


def test_a_document_must_be_left_to_learn_from():
    with pytest.raises(InputError, match="must be left to learn from"):
        small_corpus.corpus(1).held_out(0.1, seed=0)


def test_both_parts_can_be_made_to_have_two_documents():
    train, held_out = small_corpus.corpus(4).held_out(0.01, 0, least=2)
    assert train.num_documents == held_out.num_documents == 2
    with pytest.raises(InputError, match="At least 2 documents.*: 3, of"):
        small_corpus.corpus(3).held_out(0.01, 0, least=2)


def test_a_digest_changes_with_every_bound():
    corpus = small_corpus.corpus()
    moved = corpus.sentence_splits.copy()
    moved[1] += 1
    other = corpora.Corpus(
        corpus.token_ids, moved, corpus.document_splits, corpus.origins
    )
    assert other.digest() != corpus.digest()
    assert np.array_equal(other.token_ids, corpus.token_ids)
