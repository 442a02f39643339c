"""The vocabulary as a trie in arrays, for a vectorised longest match.

A double array: from state `s`, symbol `c` leads to state `bases[s] ^ c` if
`parents` of that state is `s`, and nowhere otherwise. One step is three
array look-ups, for any number of words at once.
"""

import collections
import dataclasses
from collections.abc import Iterable
from collections.abc import Sequence

import numpy as np

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.tokenization.wordpiece.engine import FIRST_ROOT
from keras_bert_zoo.tokenization.wordpiece.engine import INNER_ROOT
from keras_bert_zoo.tokenization.wordpiece.engine import matchable_tokens
from keras_bert_zoo.tokenization.wordpiece.vocabulary import Vocabulary

LENGTH_BITS = 7

_WINDOW = 512
_PART = 16
_MAX_TOKENS = 1 << (31 - LENGTH_BITS)


@dataclasses.dataclass(frozen=True)
class VocabularyTrie:
    """Arrays of int32 over `T` states; T is a power of two.

    Attributes:
        symbols: dict, code point to symbol. Symbols start at 1; 0 stands for
            every character that no subword of two or more characters holds.
        bases: (T,).
        parents: (T,). -1 where there is no state.
        matches: (T,). `id << 7 | length` of the longest subword on the way from
            the root to the state; length in characters, 0 for none.
        depth: int. Characters of the longest subword.
    """

    symbols: dict[int, int]
    bases: np.ndarray
    parents: np.ndarray
    matches: np.ndarray
    depth: int


def build_trie(
    vocabulary: Vocabulary, others: Iterable[str] = ()
) -> VocabularyTrie:
    """Compiles a vocabulary, and the marks of the tokens added to it.

    Tokens that no word can match are left out, so that no match can run past
    the end of a word.

    Args:
        vocabulary: Vocabulary.
        others: characters that get symbols beside those of its tokens.

    Raises:
        InputError: if the vocabulary has 2**24 tokens or more.
    """
    if len(vocabulary) >= _MAX_TOKENS:
        raise InputError(
            f"The graph tokenizer takes fewer than {_MAX_TOKENS} tokens. "
            f"Received: {len(vocabulary)}. Use the Python tokenizer."
        )
    subwords = matchable_tokens(vocabulary)
    if vocabulary.added:
        subwords += [
            (FIRST_ROOT, mark, token_id)
            for mark, token_id in vocabulary.marks().items()
        ]
    return trie_of(subwords, others)


def trie_of(
    subwords: Sequence[tuple[int, str, int]], others: Iterable[str] = ()
) -> VocabularyTrie:
    """Compiles texts.

    Args:
        subwords: root, text and id of each.
        others: characters that get symbols beside those of the texts.
    """
    symbols = _symbols(subwords)
    for character in others:
        symbols.setdefault(character, len(symbols) + 1)
    children, matches = _trie(subwords, symbols)
    states, bases, parents = _double_array(children, len(symbols))
    placed = np.zeros(len(parents), dtype=np.int32)
    placed[states] = matches
    return VocabularyTrie(
        symbols={ord(character): code for character, code in symbols.items()},
        bases=bases,
        parents=parents,
        matches=placed,
        depth=max((len(text) for _, text, _ in subwords), default=0),
    )


def _symbols(subwords):
    """Numbers the characters, the most frequent first."""
    counts = collections.Counter()
    for _, text, _ in subwords:
        counts.update(text)
    return {
        character: code
        for code, (character, _) in enumerate(counts.most_common(), start=1)
    }


def _trie(subwords, symbols):
    """Returns each node's children by symbol, and its longest match."""
    children = [{}, {}]
    matches = [0, 0]
    for root, text, token_id in sorted(subwords, key=lambda piece: piece[1]):
        node = root
        for character in text:
            symbol = symbols[character]
            child = children[node].get(symbol)
            if child is None:
                child = len(children)
                children[node][symbol] = child
                children.append({})
                matches.append(matches[node])
            node = child
        # Sorted order: a subword comes before every one that it begins.
        matches[node] = token_id << LENGTH_BITS | len(text)
    return children, matches


def _double_array(children, num_symbols):
    """Gives every node a state, so that no two nodes have the same.

    Returns the state of each node (the roots keep 0 and 1), bases, parents.
    """
    size = 1 << (max(len(children), num_symbols + 1) - 1).bit_length()
    bases = _place(children, size)
    while bases is None:
        size *= 2
        bases = _place(children, size)
    states = np.zeros(len(children), dtype=np.int32)
    states[INNER_ROOT] = INNER_ROOT
    state_bases = np.zeros(size, dtype=np.int32)
    parents = np.full(size, -1, dtype=np.int32)
    for node, row in enumerate(children):  # a parent precedes its children
        state_bases[states[node]] = bases[node]
        for symbol, child in row.items():
            states[child] = bases[node] ^ symbol
            parents[states[child]] = states[node]
    return states, state_bases, parents


def _place(children, size):
    """Returns the base of each node, or None if `size` is too small.

    Nodes with many children come first, while there is room; those with one
    child fit anywhere.
    """
    free = np.ones(size, dtype=bool)
    free[[FIRST_ROOT, INNER_ROOT]] = False
    bases = np.zeros(len(children), dtype=np.int64)
    parents = [node for node, row in enumerate(children) if row]
    parents.sort(key=lambda node: -len(children[node]))
    num_forks = sum(len(children[node]) > 1 for node in parents)
    start = 0
    for node in parents[:num_forks]:
        row = np.fromiter(children[node], dtype=np.int64)
        base, start = _first_fit(free, row, start)
        if base is None:
            return None
        bases[node] = base
        free[base ^ row] = False
    rest = parents[num_forks:]
    slots = np.flatnonzero(free)[: len(rest)]
    if len(slots) < len(rest):
        return None
    only = np.array([next(iter(children[node])) for node in rest], np.int64)
    bases[rest] = slots ^ only
    return bases


def _first_fit(free, row, start):
    """Returns a base for which all of `row` is free, and where to continue."""
    for begin in range(start, len(free), _WINDOW):
        slots = begin + np.flatnonzero(free[begin : begin + _WINDOW])
        bases = slots ^ row[0]
        # A few symbols at a time: most bases fail at once.
        for first in range(0, len(row), _PART):
            part = row[first : first + _PART]
            bases = bases[free[bases[:, None] ^ part].all(axis=1)]
        if len(bases):
            return bases[0], start
        if begin == start and len(slots) < _WINDOW // 4:
            start += _WINDOW  # too full to look at again
    return None, start
