"""Features of texts with words to tag, in graph ops.

The tokenizer knows where words begin; files of words say so themselves.

Letters: `B` texts, `T` tokens of all of them, `W` words of a text, `R`
sequences, `S` tokens of a sequence.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from keras_bert_zoo.task import Features
from keras_bert_zoo.tokenization import PackedSequences
from keras_bert_zoo.tokenization import Tokenizer
from keras_bert_zoo.tokenization import TokenSpans
from keras_bert_zoo.tokenization.packing import joined
from keras_bert_zoo.tokenization.packing import marked
from keras_bert_zoo.tokenization.packing import row_ids
from keras_bert_zoo.tokenization.sliding_windows import SlidingWindows
from keras_bert_zoo.tokenization.sliding_windows import overlapping_windows
from keras_bert_zoo.tokenization.trailing_marks import with_trailing_marks

# Neighbouring windows of a long text overlap by this fraction of what they
# hold.
OVERLAP = 0.25


@dataclasses.dataclass(frozen=True)
class Words:
    """The words of `B` texts, all ragged `(B, W)`.

    Attributes:
        first_tokens: int64. Index of a word's first token in its text, -1
            for a word without tokens, such as a lone format character.
        byte_starts: int32, of the first token; of the word as it was given,
            where it has no tokens.
        byte_ends: int32, exclusive; after combining marks.
        char_starts: int32.
        char_ends: int32, exclusive.
    """

    first_tokens: tf.RaggedTensor
    byte_starts: tf.RaggedTensor
    byte_ends: tf.RaggedTensor
    char_starts: tf.RaggedTensor
    char_ends: tf.RaggedTensor


def find_words(
    texts: tf.Tensor,
    spans: TokenSpans,
    tokenizer: Tokenizer,
    word_starts: tf.RaggedTensor | None = None,
    edges: tf.Tensor | None = None,
) -> Words:
    """Finds the words that tokens belong to.

    Args:
        texts: string `(B,)`.
        spans: their tokens.
        tokenizer: what made them.
        word_starts: int32 ragged `(B, W)`, the bytes at which the words
            begin, one space between two, or no words for texts without given
            ones.
        edges: bool `(T,)`, tokens that begin a word whatever they are.
    """
    rows = row_ids(spans.ids)
    begins = tokenizer.word_starts(texts, spans)
    if edges is not None:
        begins |= edges
    if word_starts is not None:
        is_given = word_starts.row_lengths() > 0  # (B,)
        begins &= ~tf.gather(is_given, rows)
    starts_of_words = marked(spans.byte_starts, begins)
    if word_starts is not None:
        # Of each row, one has no values.
        starts_of_words = joined(word_starts, starts_of_words)
    return _words(texts, spans, rows, starts_of_words)


def word_keys(rows, starts) -> tf.Tensor:
    """Returns int64 keys that rise with the row and then the byte."""
    return tf.cast(rows, tf.int64) * 2**32 + tf.cast(starts, tf.int64)


def _words(texts, spans, rows, word_starts) -> Words:
    rows_of_words = row_ids(word_starts)
    keys = word_keys(rows_of_words, word_starts.flat_values)
    token_keys = word_keys(rows, spans.byte_starts.flat_values)
    word = tf.searchsorted(keys, token_keys, side="right") - 1  # (T,)
    numbers = tf.range(tf.size(keys))
    first = tf.searchsorted(word, numbers)  # (W of all texts,)
    last = tf.searchsorted(word, numbers, side="right") - 1
    exists = last >= first

    lost = tf.where(~exists)  # (words without tokens, 1)
    as_given = _offsets_as_given(texts, word_starts, rows_of_words, lost[:, 0])

    def of(tensor, indices, given):
        # Tokens may be fewer than words, none at all in the extreme.
        values = tf.concat([tensor.flat_values, [0]], 0)
        indices = tf.where(exists, indices, tf.size(values) - 1)
        values = tf.gather(values, indices)
        return word_starts.with_flat_values(
            tf.tensor_scatter_nd_update(values, lost, given)
        )

    text_starts = tf.gather(spans.ids.row_starts(), rows_of_words)
    index = tf.cast(first, tf.int64) - text_starts
    byte_starts, byte_ends, char_starts, char_ends = as_given
    char_starts = of(spans.char_starts, first, char_starts)
    byte_ends, char_ends = with_trailing_marks(
        texts,
        rows_of_words,
        char_starts.flat_values,
        of(spans.byte_ends, last, byte_ends).flat_values,
        of(spans.char_ends, last, char_ends).flat_values,
    )
    return Words(
        first_tokens=word_starts.with_flat_values(
            tf.where(exists, index, -tf.ones_like(index))
        ),
        byte_starts=of(spans.byte_starts, first, byte_starts),
        byte_ends=word_starts.with_flat_values(byte_ends),
        char_starts=char_starts,
        char_ends=word_starts.with_flat_values(char_ends),
    )


def _offsets_as_given(texts, word_starts, rows, words):
    """Returns starts and ends of words, in bytes, then in characters."""
    own_text = tf.gather(texts, tf.gather(rows, words))
    starts = tf.gather(word_starts.flat_values, words)
    # A space stands before the next word; the last one ends with the text.
    after = tf.concat([word_starts.flat_values, [0]], 0)
    is_last = tf.gather(word_starts.row_limits(), tf.gather(rows, words)) == (
        words + 1
    )
    ends = tf.where(
        is_last, tf.strings.length(own_text), tf.gather(after, words + 1) - 1
    )
    zeros = tf.zeros_like(starts)
    chars = (
        tf.strings.length(tf.strings.substr(own_text, zeros, end), "UTF8_CHAR")
        for end in (starts, ends)
    )
    return starts, ends, *chars


def tagging_features(
    examples: Mapping[str, Any],
    tokenizer: Tokenizer,
    sequence_length: int,
    ids_in_spans: tf.Tensor,
    outside: int,
) -> Features:
    """Returns the features of a batch; see `TaskHead.features`.

    Args:
        examples: `text`; `word_starts` where texts may be given as words;
            `tags`, `span_starts`, `span_ends` and `span_types` for training.
        tokenizer: the model's.
        sequence_length: int. Maximum number of tokens in a sequence.
        ids_in_spans: int32 `(types, 8)`, see `LabelSet`.
        outside: int. The id of the label of words outside of spans.
    """
    spans = tokenizer.tokenize_with_offsets(examples["text"])
    word_starts = examples.get("word_starts")
    labeled = "tags" in examples
    edges = token_spans = None
    if labeled:
        token_spans = _span_of_token(spans, examples)
        edges = tf.concat([[False], token_spans[1:] != token_spans[:-1]], 0)
        edges = edges[: tf.size(token_spans)]
    words = find_words(examples["text"], spans, tokenizer, word_starts, edges)
    capacity = sequence_length - tokenizer.num_special_tokens(1)
    windows = overlapping_windows(
        spans.ids.row_lengths(), capacity, round(OVERLAP * capacity)
    )
    packed = tokenizer.pack([_cut(windows, spans.ids)], sequence_length)
    labels = weights = None
    if labeled:
        labels, weights = _token_labels(
            spans,
            words,
            windows,
            packed,
            _word_labels(
                words, examples, token_spans, spans, ids_in_spans, outside
            ),
        )
    word_windows, positions = _positions(words, windows, packed)
    return Features(
        packed.inputs,
        labels,
        weights,
        tf.zeros_like(spans.ids.row_lengths(), tf.int32),
        windows.num_windows,
        {
            "text": examples["text"],
            "word_sequence": word_windows,
            "word_position": positions,
            "word_byte_start": words.byte_starts,
            "word_byte_end": words.byte_ends,
            "word_char_start": words.char_starts,
            "word_char_end": words.char_ends,
        },
    )


def _cut(
    windows: SlidingWindows, row_values: tf.RaggedTensor
) -> tf.RaggedTensor:
    base = tf.gather(row_values.row_starts(), windows.rows)
    indices = tf.ragged.range(base + windows.starts, base + windows.ends)
    return tf.gather(row_values.flat_values, indices)


def _positions(words: Words, windows: SlidingWindows, packed: PackedSequences):
    """Returns for each word its window in its text and its position there.

    Both int32 ragged `(B, W)`; the position, of the word's first token in the
    window's sequence, is -1 for words without tokens.
    """
    first = words.first_tokens
    rows = row_ids(first)
    token = tf.maximum(first.flat_values, 0)
    owner = (
        tf.searchsorted(
            word_keys(windows.rows, windows.owned_starts),
            word_keys(rows, token),
            side="right",
        )
        - 1
    )
    before = tf.gather(tf.cumsum(windows.num_windows, exclusive=True), rows)
    position = token - tf.gather(windows.starts, owner)
    position += tf.cast(
        tf.gather(packed.segment_starts[0], owner), position.dtype
    )
    position = tf.where(first.flat_values < 0, -tf.ones_like(token), position)
    return (
        first.with_flat_values(owner - tf.cast(before, tf.int32)),
        first.with_flat_values(tf.cast(position, tf.int32)),
    )


def _span_of_token(spans: TokenSpans, examples) -> tf.Tensor:
    """Returns int32 `(T,)`, the span that a token is part of, or -1."""
    starts, ends = examples["span_starts"], examples["span_ends"]
    rows = row_ids(spans.ids)
    last_byte = word_keys(rows, spans.byte_ends.flat_values) - 1
    found = tf.searchsorted(
        word_keys(row_ids(starts), starts.flat_values),
        last_byte,
        side="right",
    )
    # Index 0 stands for no span before the token.
    ends = tf.concat([[-1], word_keys(row_ids(ends), ends.flat_values)], 0)
    begins_before_end = word_keys(
        rows, spans.byte_starts.flat_values
    ) < tf.gather(tf.cast(ends, tf.int64), found)
    return tf.where(begins_before_end, found, 0) - 1


def _word_labels(words, examples, token_spans, spans, ids_in_spans, outside):
    """Returns the ids of the labels of all words, int32."""
    first = words.first_tokens
    rows = row_ids(first)
    flat = tf.gather(spans.ids.row_starts(), rows) + first.flat_values
    padded = tf.concat([token_spans, [-1]], 0)
    span = tf.gather(
        padded,
        tf.where(
            first.flat_values < 0,
            tf.size(spans.ids.flat_values, tf.int64),
            flat,
        ),
    )
    no_span = tf.fill([1], -1)
    before = tf.concat([no_span, span[:-1]], 0)[: tf.size(span)]
    after = tf.concat([span[1:], no_span], 0)[: tf.size(span)]
    type_ids = tf.concat([[0], examples["span_types"].flat_values], 0)
    type_id = tf.gather(type_ids, span + 1)
    owners = tf.concat([[-1], row_ids(examples["span_types"])], 0)
    owner, owner_before = (
        tf.gather(owners, span_ids + 1) for span_ids in (span, before)
    )
    is_first = span != before
    touches = (
        is_first
        & (owner == owner_before)
        & (type_id == tf.gather(type_ids, before + 1))
    )
    position = (
        tf.cast(is_first, tf.int32)
        + 2 * tf.cast(span != after, tf.int32)
        + 4 * tf.cast(touches, tf.int32)
    )
    label = tf.gather_nd(
        ids_in_spans, tf.stack([tf.cast(type_id, tf.int32), position], axis=-1)
    )
    label = tf.where(span < 0, outside, label)
    # Given words have a tag each.
    is_given = examples["word_starts"].row_lengths() > 0
    given_words = tf.where(tf.gather(is_given, rows))
    return tf.tensor_scatter_nd_update(
        label, given_words, examples["tags"].flat_values
    )


def _token_labels(spans, words, windows, packed, labels):
    """Returns labels and weights of sequences, ragged `(R, S)`."""
    exists = words.first_tokens.flat_values >= 0
    rows = row_ids(words.first_tokens)
    flat = tf.gather(spans.ids.row_starts(), rows)
    flat += words.first_tokens.flat_values
    existing = tf.where(exists)[:, 0]
    indices = tf.gather(flat, existing)[:, None]
    shape = tf.size(spans.ids.flat_values, tf.int64)[None]
    of_token = tf.scatter_nd(indices, tf.gather(labels, existing), shape)
    counts = tf.scatter_nd(
        indices, tf.ones_like(indices[:, 0], tf.float32), shape
    )
    body = _cut(windows, spans.ids.with_flat_values(of_token))
    weights = _cut(windows, spans.ids.with_flat_values(counts))
    token = tf.ragged.range(windows.starts, windows.ends)
    owner = row_ids(token)
    owned = (token.flat_values >= tf.gather(windows.owned_starts, owner)) & (
        token.flat_values < tf.gather(windows.owned_ends, owner)
    )
    weights = weights.with_flat_values(
        weights.flat_values * tf.cast(owned, tf.float32)
    )
    return packed.aligned(body), packed.aligned(weights)
