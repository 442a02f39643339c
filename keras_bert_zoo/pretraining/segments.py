"""Cuts documents into the segments of training examples.

An example is one or two segments, each a run of tokens of a document, given
by where it starts and ends: no token is copied.
"""

import dataclasses
import random
from collections.abc import Iterator
from typing import NamedTuple

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.pretraining.corpus import Corpus

# Of BERT's examples, so many are cut to a random length, so that a model has
# seen short ones.
SHORT_FRACTION = 0.1
_TRIES = 10


class Span(NamedTuple):
    """A run of tokens: `token_ids[start:end]` of a corpus."""

    start: int
    end: int


class Cut(NamedTuple):
    """The segments of one example.

    Attributes:
        first: the first segment.
        second: the second one; empty where examples have one.
        label: int. Of a pair: 0 where the second follows the first, else 1.
        document: int. Where the first segment stands.
    """

    first: Span
    second: Span
    label: int
    document: int


_NONE = Span(0, 0)


def full_sentences(corpus: Corpus, capacity: int, seed: int) -> Iterator[Cut]:
    """Yields segments of as many whole sentences as fit, document by document.

    A longer sentence is cut.

    Args:
        corpus: the documents.
        capacity: int. Maximum number of tokens in an example.
        seed: int. Not used: there is one way to cut.

    Source: Liu et al., 2019 (arXiv:1907.11692), section 4.2, "DOC-SENTENCES".
    """
    splits = corpus.sentence_splits.tolist()
    for document in range(corpus.num_documents):
        first, last = corpus.document_splits[document : document + 2].tolist()
        start = end = splits[first]
        for sentence_end in splits[first + 1 : last + 1]:
            if sentence_end - start > capacity and end > start:
                yield Cut(Span(start, end), _NONE, 0, document)
                start = end
            while sentence_end - start > capacity:
                yield Cut(Span(start, start + capacity), _NONE, 0, document)
                start += capacity
            end = sentence_end
        if end > start:
            yield Cut(Span(start, end), _NONE, 0, document)


def next_sentence_pairs(
    corpus: Corpus, capacity: int, seed: int
) -> Iterator[Cut]:
    """Yields pairs whose second segment follows the first, or is random.

    As `create_pretraining_data` of google-research/bert: sentences are joined
    until they fill an example, and parted at a random sentence; in half of
    the cases, and where there is a single sentence, the second part is that
    of another document.

    Args:
        corpus: at least two documents.
        capacity: int. Maximum number of tokens in an example.
        seed: int.

    Raises:
        InputError: if there is one document.

    Source: Devlin et al., 2019 (arXiv:1810.04805), appendix A.2.
    """
    if corpus.num_documents < 2:
        raise InputError(
            "The random sentence of a pair comes from another document. "
            "Received: a corpus of one document, at "
            f"{', '.join(corpus.origins)}. Separate documents by blank lines, "
            "or choose pairs=sentence_order (SOP), for which one is enough."
        )
    return _Pairs(corpus, capacity, seed).with_random_ones()


def sentence_order_pairs(
    corpus: Corpus, capacity: int, seed: int
) -> Iterator[Cut]:
    """Yields pairs of consecutive segments, in half of the cases swapped.

    Cut as those of `next_sentence_pairs`; a single sentence is parted at a
    random token.

    Args:
        corpus: the documents.
        capacity: int. Maximum number of tokens in an example.
        seed: int.

    Source: Lan et al., 2020 (arXiv:1909.11942), section 3.1.
    """
    return _Pairs(corpus, capacity, seed).in_any_order()


CUTTERS = {
    "none": full_sentences,
    "next_sentence": next_sentence_pairs,
    "sentence_order": sentence_order_pairs,
}


@dataclasses.dataclass
class _Pairs:
    corpus: Corpus
    capacity: int
    seed: int

    def __post_init__(self):
        self._random = random.Random(self.seed)
        self._splits = self.corpus.sentence_splits.tolist()
        self._documents = self.corpus.document_splits.tolist()

    def with_random_ones(self) -> Iterator[Cut]:
        draw = self._random
        for document in range(self.corpus.num_documents):
            sentence, last = self._documents[document : document + 2]
            while sentence < last:
                target, end = self._chunk(sentence, last)
                middle = sentence + 1
                if end - sentence >= 2:
                    middle = draw.randint(sentence + 1, end - 1)
                first = self._span(sentence, middle)
                is_random = end - sentence == 1 or draw.random() < 0.5
                if is_random:
                    room = target - (first.end - first.start)
                    second = self._other(document, room)
                    # What was not used begins the next example.
                    end = middle
                else:
                    second = self._span(middle, end)
                yield Cut(
                    *self._fitting(first, second), int(is_random), document
                )
                sentence = end

    def in_any_order(self) -> Iterator[Cut]:
        draw = self._random
        for document in range(self.corpus.num_documents):
            sentence, last = self._documents[document : document + 2]
            while sentence < last:
                _, end = self._chunk(sentence, last)
                whole = self._span(sentence, end)
                if end - sentence >= 2:
                    middle = self._splits[draw.randint(sentence + 1, end - 1)]
                elif whole.end - whole.start >= 2:
                    middle = draw.randint(whole.start + 1, whole.end - 1)
                else:
                    sentence = end
                    continue
                parts = self._fitting(
                    Span(whole.start, middle), Span(middle, whole.end)
                )
                is_swapped = draw.random() < 0.5
                if is_swapped:
                    parts = parts[::-1]
                yield Cut(*parts, int(is_swapped), document)
                sentence = end

    def _chunk(self, sentence: int, last: int) -> tuple[int, int]:
        """Returns how long an example is to be, and the sentence after it."""
        target = self.capacity
        if self._random.random() < SHORT_FRACTION:
            target = self._random.randint(2, max(self.capacity, 2))
        start = self._splits[sentence]
        end = sentence + 1
        while end < last and self._splits[end] - start < target:
            end += 1
        return target, end

    def _other(self, document: int, room: int) -> Span:
        """Returns sentences of another document that fill a room."""
        draw = self._random
        for _ in range(_TRIES):
            other = draw.randrange(self.corpus.num_documents)
            if other != document:
                break
        first, last = self._documents[other : other + 2]
        sentence = draw.randrange(first, last)
        end = sentence + 1
        start = self._splits[sentence]
        while end < last and self._splits[end] - start < room:
            end += 1
        return self._span(sentence, end)

    def _span(self, first: int, last: int) -> Span:
        return Span(self._splits[first], self._splits[last])

    def _fitting(self, first: Span, second: Span) -> tuple[Span, Span]:
        """Returns a pair without tokens at its ends, as many as do not fit.

        The longer segment loses one at a time, each from a random end.
        """
        sizes = [one.end - one.start for one in (first, second)]
        excess = sum(sizes) - self.capacity
        if excess <= 0:
            return first, second
        # Down to the size of the shorter one, then both by turns: a tie takes
        # from the second.
        longer = 0 if sizes[0] > sizes[1] else 1
        alone = min(excess, abs(sizes[0] - sizes[1]))
        lost = [0, 0]
        lost[longer] = alone
        lost[1] += (excess - alone + 1) // 2
        lost[0] += (excess - alone) // 2
        return tuple(
            self._shortened(one, number)
            for one, number in zip((first, second), lost)
        )

    def _shortened(self, span: Span, number: int) -> Span:
        # Each of them from the start in half of the cases.
        from_start = self._random.getrandbits(number or 1).bit_count()
        from_start = min(from_start, number)
        return Span(span.start + from_start, span.end - number + from_start)
