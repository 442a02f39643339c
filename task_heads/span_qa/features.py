"""Features of questions about texts, in graph ops.

A sequence holds a question and a window of its context. Letters: `B`
questions, `T` tokens of a context, `K` windows of a context, `R` sequences,
`S` tokens of a sequence.
"""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task import Features
from keras_bert_zoo.tokenization import Tokenizer
from keras_bert_zoo.tokenization import TokenSpans
from keras_bert_zoo.tokenization.packing import row_ids
from keras_bert_zoo.tokenization.sliding_windows import SlidingWindows
from keras_bert_zoo.tokenization.sliding_windows import overlapping_windows
from keras_bert_zoo.tokenization.trailing_marks import with_trailing_marks
from task_heads.span_qa.examples import UNUSABLE
from task_heads.span_qa.lengths import answer_limits

# What a label says of a token: whether an answer may begin (or end) there,
# and whether the true one does.
EXCLUDED, ALLOWED, TARGET = range(3)


def question_features(
    examples: Mapping[str, Any],
    tokenizer: Tokenizer,
    sequence_length: int,
    *,
    max_question_length: int,
    doc_stride: int,
    max_answer_length: int,
) -> Features:
    """Returns the features of a batch; see `TaskHead.features`.

    Args:
        examples: `question`, `context` and, for training, `answer_start` and
            `answer_end`, all `(B,)`.
        tokenizer: the model's.
        sequence_length: int. Maximum number of tokens in a sequence.
        max_question_length: int. Maximum number of tokens of a question, which
            never has more than half of a sequence.
        doc_stride: int. Maximum number of tokens from one window's start to the
            next.
        max_answer_length: int. See `answer_limits`. Windows overlap by twice as
            many tokens as an answer may have, whatever the stride, where they
            are at least twice as long.

    Raises:
        InputError: if a sequence cannot hold both texts.
    """
    num_special = tokenizer.num_special_tokens(2)
    room = sequence_length - num_special
    if room < 2:
        raise InputError(
            "A sequence with a question and a context has at least "
            f"{num_special + 2} tokens. Received: "
            f"sequence_length={sequence_length}. Raise it."
        )
    limit = min(max_question_length, room // 2)
    questions = tokenizer.tokenize(examples["question"])
    kept = questions[:, :limit]
    question_length = kept.row_lengths()  # int64 (B,)
    spans = tokenizer.tokenize_with_offsets(examples["context"])
    capacity = room - question_length
    limits = spans.ids.with_flat_values(
        answer_limits(spans, examples["context"], max_answer_length)
    )
    windows = overlapping_windows(
        spans.ids.row_lengths(),
        capacity,
        tf.maximum(
            capacity - doc_stride,
            tf.minimum(2 * _longest_answers(limits), capacity // 2),
        ),
    )
    base = tf.gather(spans.ids.row_starts(), windows.rows)
    indices = tf.ragged.range(base + windows.starts, base + windows.ends)
    packed = tokenizer.pack(
        [
            tf.gather(kept, windows.rows),
            tf.gather(spans.ids.flat_values, indices),
        ],
        sequence_length,
    )
    first = tf.cast(packed.segment_starts[1], tf.int64)
    truncated = questions.row_lengths() - question_length
    labels = weights = None
    if "answer_start" in examples:
        answer_first, answer_last, usable = _answer_tokens(spans, examples)
        labels = {
            name: _labels(packed.token_ids, windows, first, inside, token)
            for name, token, inside in _targets(
                windows, answer_first, answer_last
            )
        }
        lost = _answers_in_no_window(windows, answer_first, answer_last)
        weights = tf.cast(tf.gather(usable & ~lost, windows.rows), tf.float32)
        # Such a question teaches nothing: it is reported with those that were
        # cut.
        truncated += tf.cast(lost, tf.int64)
    byte_ends, char_ends = with_trailing_marks(
        examples["context"],
        row_ids(spans.ids),
        spans.char_starts.flat_values,
        spans.byte_ends.flat_values,
        spans.char_ends.flat_values,
    )
    by_question = {
        name: tf.RaggedTensor.from_row_lengths(
            values, windows.num_windows, validate=False
        )
        for name, values in {
            "starts": windows.starts,
            "ends": windows.ends,
            "owned_starts": windows.owned_starts,
            "owned_ends": windows.owned_ends,
            "first_positions": first,
        }.items()
    }
    return Features(
        packed.inputs,
        labels,
        weights,
        tf.cast(truncated, tf.int32),
        windows.num_windows,
        {
            "context": examples["context"],
            "byte_start": spans.byte_starts,
            "byte_end": spans.ids.with_flat_values(byte_ends),
            "char_start": spans.char_starts,
            "char_end": spans.ids.with_flat_values(char_ends),
            "answer_limit": limits,
            **by_question,
        },
    )


def _longest_answers(limits: tf.RaggedTensor) -> tf.Tensor:
    """Returns the most tokens of an answer in each context, int64 `(B,)`."""
    token = tf.ragged.range(limits.row_lengths()).flat_values
    lengths = tf.cast(limits.flat_values, tf.int64) - token
    longest = tf.math.unsorted_segment_max(
        lengths, row_ids(limits), limits.nrows()
    )
    # Of a context without tokens: 0.
    return tf.maximum(longest, 0)


def _answer_tokens(spans: TokenSpans, examples):
    """Returns first and last token of each answer in its context.

    Both int64 `(B,)`, -1 for no answer; and bool `(B,)`, whether the answer
    can be learned from: it stands where it says, and has tokens.
    """
    start = tf.cast(examples["answer_start"], tf.int64)
    end = tf.cast(examples["answer_end"], tf.int64)
    rows = row_ids(spans.ids)
    numbers = tf.range(tf.size(start, tf.int64))
    row_starts = spans.ids.row_starts()
    first = tf.searchsorted(
        _keys(rows, spans.char_ends.flat_values),
        _keys(numbers, tf.maximum(start, 0)),
        side="right",
        out_type=tf.int64,
    )
    last = tf.searchsorted(
        _keys(rows, spans.char_starts.flat_values),
        _keys(numbers, tf.maximum(end, 0)),
        out_type=tf.int64,
    )
    first, last = first - row_starts, last - row_starts - 1
    has_tokens = (first >= 0) & (first <= last)
    has_tokens &= last < spans.ids.row_lengths()
    has_answer = (start >= 0) & has_tokens
    nowhere = -tf.ones_like(first)
    usable = (start != UNUSABLE[0]) & ((start < 0) | has_tokens)
    return (
        tf.where(has_answer, first, nowhere),
        tf.where(has_answer, last, nowhere),
        usable,
    )


def _answers_in_no_window(windows: SlidingWindows, answer_first, answer_last):
    """Returns bool `(B,)`: whether an answer is longer than all windows."""
    first = tf.gather(answer_first, windows.rows)
    last = tf.gather(answer_last, windows.rows)
    inside = (first >= windows.starts) & (last < windows.ends)
    num_holding = tf.math.unsorted_segment_sum(
        tf.cast(inside, tf.int32), windows.rows, tf.size(answer_first)
    )
    return (answer_first >= 0) & (num_holding == 0)


def _targets(windows: SlidingWindows, answer_first, answer_last):
    """Yields for both outputs the target in its context, `(R,)` each.

    With it, whether the window holds the whole answer: the sequence's first
    token is the target of the others, and of questions without answer.
    """
    first = tf.gather(answer_first, windows.rows)
    last = tf.gather(answer_last, windows.rows)
    inside = (first >= 0) & (first >= windows.starts) & (last < windows.ends)
    yield "start_logits", first, inside
    yield "end_logits", last, inside


def _labels(token_ids, windows: SlidingWindows, first, inside, token):
    """Returns int32 ragged `(R, S)`."""
    owner = row_ids(token_ids)
    position = tf.ragged.range(token_ids.row_lengths()).flat_values
    target = tf.where(inside, first + token - windows.starts, 0)
    past_end = first + windows.ends - windows.starts
    is_context = (position >= tf.gather(first, owner)) & (
        position < tf.gather(past_end, owner)
    )
    labels = tf.where(is_context | (position == 0), ALLOWED, EXCLUDED)
    labels = tf.where(position == tf.gather(target, owner), TARGET, labels)
    return token_ids.with_flat_values(labels)


def _keys(rows, characters) -> tf.Tensor:
    """Returns int64 keys that rise with the row and then the character."""
    return tf.cast(rows, tf.int64) * 2**32 + tf.cast(characters, tf.int64)
