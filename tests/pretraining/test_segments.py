"""Examples are cut from documents as the published methods do."""

import numpy as np
import pytest
import small_corpus

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.pretraining.corpus import Corpus
from keras_bert_zoo.pretraining.segments import full_sentences
from keras_bert_zoo.pretraining.segments import next_sentence_pairs
from keras_bert_zoo.pretraining.segments import sentence_order_pairs


def of_lengths(*documents):
    """Returns a corpus of sentences with so many tokens."""
    lengths = [n for document in documents for n in document]
    return Corpus(
        np.arange(sum(lengths)),
        np.cumsum([0, *lengths]),
        np.cumsum([0, *map(len, documents)]),
        [f"document {n}" for n in range(len(documents))],
    )


def large(seed=0, documents=200):
    draw = np.random.default_rng(seed)
    return of_lengths(
        *(draw.integers(1, 40, draw.integers(2, 30)) for _ in range(documents))
    )


def size(span):
    return span.end - span.start


def document_of(corpus, token):
    bounds = corpus.sentence_splits[corpus.document_splits]
    return int(np.searchsorted(bounds, token, side="right")) - 1


def test_full_sentences_cover_each_token_once():
    corpus = large()
    cuts = list(full_sentences(corpus, 50, seed=0))
    tokens = [t for cut in cuts for t in range(*cut.first)]
    assert tokens == list(range(corpus.num_tokens))
    assert max(size(cut.first) for cut in cuts) <= 50
    assert all(size(cut.second) == 0 for cut in cuts)
    assert all(
        document_of(corpus, cut.first.end - 1) == cut.document for cut in cuts
    )


def test_sentences_are_joined_while_they_fit_and_cut_if_they_never_do():
    cuts = full_sentences(of_lengths([3, 4, 5], [25, 2]), 10, seed=0)
    spans = [tuple(cut.first) for cut in cuts]
    assert spans == [(0, 7), (7, 12), (12, 22), (22, 32), (32, 39)]


@pytest.mark.parametrize("cutter", [next_sentence_pairs, sentence_order_pairs])
def test_pairs_fit_and_depend_on_the_seed_alone(cutter):
    corpus = large()
    cuts = list(cutter(corpus, 61, seed=1))
    assert max(size(cut.first) + size(cut.second) for cut in cuts) == 61
    assert min(min(size(cut.first), size(cut.second)) for cut in cuts) >= 1
    assert cuts == list(cutter(corpus, 61, seed=1))
    assert cuts != list(cutter(corpus, 61, seed=2))


def test_half_of_the_pairs_have_a_random_second_segment():
    corpus = large(documents=2000)
    cuts = list(next_sentence_pairs(corpus, 61, seed=0))
    assert len(cuts) > 8000
    for cut in cuts:
        other = document_of(corpus, cut.second.start)
        assert (other == cut.document) == (cut.label == 0)
        if cut.label == 0:
            assert cut.second.start >= cut.first.end
    # Where there is one sentence, the second segment is random in any case.
    bounds = corpus.sentence_splits
    whole = [
        cut
        for cut in cuts
        if cut.label == 0 or cut.first.end not in bounds[corpus.document_splits]
    ]
    share = np.mean([cut.label for cut in whole])
    deviation = 0.5 / np.sqrt(len(whole))
    assert abs(share - 0.5) < 0.1 + 3 * deviation


def test_of_two_sentences_exactly_half_are_random():
    # Two sentences fill an example, so that each is parted between them.
    corpus = of_lengths(*[[30, 30]] * 4000)
    cuts = list(next_sentence_pairs(corpus, 60, seed=5))
    # After a random one, the sentence not used is alone, and so random, too.
    first = [
        cut for cut in cuts if cut.first.start in corpus.sentence_splits[::2]
    ]
    assert len(first) == 4000
    share = np.mean([cut.label for cut in first])
    # One in ten is short, and may be a single sentence.
    expected = 0.9 * 0.5 + 0.1 * (0.5 * 0.5 + 0.5)
    assert abs(share - expected) < 3 * 0.5 / np.sqrt(4000)


def test_sentences_not_used_begin_the_next_example():
    corpus = of_lengths([10] * 6, [10] * 6)
    for seed in range(20):
        cuts = [
            cut
            for cut in next_sentence_pairs(corpus, 40, seed)
            if cut.document == 0
        ]
        starts = [cut.first.start for cut in cuts]
        for cut, after in zip(cuts, starts[1:]):
            last = cut.first if cut.label else cut.second
            assert after == last.end


def test_the_longer_segment_loses_tokens_at_both_ends():
    corpus = of_lengths([50, 60], [5])
    lost = []
    for seed in range(400):
        for cut in sentence_order_pairs(corpus, 60, seed):
            parts = sorted([cut.first, cut.second])
            # Parted between the two sentences.
            if parts[0].start < 50 <= parts[1].start:
                assert [size(one) for one in parts] == [30, 30]
                lost.append((parts[0].start, parts[1].start - 50))
    assert len(lost) > 300
    # 20 tokens and 30 are lost, each at a random end.
    for number, fronts in zip((20, 30), np.transpose(lost), strict=True):
        deviation = np.sqrt(number / 4)
        error = abs(fronts.mean() - number / 2)
        assert error < 4 * deviation / np.sqrt(len(fronts))
        assert abs(fronts.std() - deviation) < 0.5


def test_half_of_the_pairs_are_swapped():
    corpus = large(documents=1000)
    cuts = list(sentence_order_pairs(corpus, 61, seed=0))
    for cut in cuts:
        assert (cut.second.start >= cut.first.end) == (cut.label == 0)
        assert document_of(corpus, cut.second.start) == cut.document
    share = np.mean([cut.label for cut in cuts])
    assert abs(share - 0.5) < 3 * 0.5 / np.sqrt(len(cuts))


def test_a_single_sentence_is_parted_and_a_single_token_left_out():
    cuts = list(sentence_order_pairs(of_lengths([9], [1]), 20, seed=0))
    assert [cut.document for cut in cuts] == [0]
    assert sum(size(one) for one in cuts[0][:2]) == 9


def test_one_in_ten_examples_is_short():
    corpus = of_lengths(*[[1] * 6000] * 4)
    sizes = np.array(
        [
            size(cut.first) + size(cut.second)
            for cut in sentence_order_pairs(corpus, 30, seed=0)
        ]
    )
    # A length is drawn from 2 to 30: one in 29 draws is the full one.
    share = np.mean(sizes < 30)
    expected = 0.1 * 28 / 29
    deviation = np.sqrt(expected * (1 - expected) / len(sizes))
    assert abs(share - expected) < 3 * deviation + 4 / len(sizes)


def test_random_sentences_need_another_document():
    with pytest.raises(InputError, match="one document.*sentence_order"):
        next_sentence_pairs(small_corpus.corpus(1), 20, seed=0)
