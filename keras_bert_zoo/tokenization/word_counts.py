"""Counts of a corpus's words: what vocabularies are learned from.

Memory is bounded by the number of different words that are held, however long
the texts are. `tokenizers` trains on texts alone, so that counts are spelled
out for it again.
"""

from collections import Counter
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import TypeVar

from keras_bert_zoo.errors import InputError

# Different words that are counted at a time: a few hundred MB.
MAX_WORDS = 2_000_000
# Counts are scaled down to this sum: more of them change no merge that
# matters, and take minutes.
MAX_TOTAL = 100_000_000
_MOST_REPEATED = 10_000

Word = TypeVar("Word", str, bytes)


def counted(
    batches: Iterable[Mapping[Word, int]], max_words: int = MAX_WORDS
) -> Counter[Word]:
    """Adds up the counts of parts of a corpus.

    When there are more than `max_words` different words, the rarest are
    forgotten, until half of them are left.

    Args:
        batches: word -> how often it occurs in a part; read once.
        max_words: int. Most different words held, but for those of a part.

    Raises:
        InputError: if there are no words.
    """
    counts: Counter[Word] = Counter()
    for batch in batches:
        for word, number in batch.items():
            counts[word] += number
        if len(counts) > max_words:
            counts = most_frequent(counts, max_words // 2)
    if not counts:
        raise InputError(
            "A vocabulary is learned from words. Received: texts without "
            "any. Check the files and their format."
        )
    return counts


def most_frequent(counts: Mapping[Word, int], number: int) -> Counter[Word]:
    """Returns the most frequent items; the first in order where they tie."""
    kept = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return Counter(dict(kept[:number]))


def repeated(words: Mapping[str, int]) -> Iterator[str]:
    """Yields texts in which each word stands as often as it was counted."""
    scale = max(sum(words.values()) / MAX_TOTAL, 1.0)
    for word, number in words.items():
        left = max(round(number / scale), 1)
        while left:
            some = min(left, _MOST_REPEATED)
            yield " ".join([word] * some)
            left -= some
