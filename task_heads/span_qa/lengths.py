"""Longest answers, in tokens, and warnings of questions and answers beyond.

Lengths are in tokens, and in characters where a script has no spaces: there a
token is a single character or a run of any length, as the tokenizer has it,
while a token of English is most of a word. Letters: `B` texts, `N` tokens of
all of them, `C` characters.
"""

from collections.abc import Iterable
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from keras_bert_zoo.data.examples import listed_origins
from keras_bert_zoo.tokenization import TokenSpans
from keras_bert_zoo.tokenization.packing import row_ids
from task_heads.span_qa.examples import first_aligned

# How many characters without spaces weigh as much as a token. With BERT's
# vocabulary the longest answers of XQuAD have 26 tokens in English, 66 in
# Chinese.
CHARACTERS_PER_TOKEN = 3

# First and last code points of Chinese and Japanese scripts: their
# punctuation and kana, ideographs, full-width forms.
_UNSPACED = (
    (0x3000, 0x30FF),
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0xFF01, 0xFF9F),
    (0x20000, 0x323AF),
)

_BATCH_SIZE = 1024


def answer_limits(
    spans: TokenSpans, texts: tf.Tensor, max_answer_length: int
) -> tf.Tensor:
    """Returns where an answer that begins at a token has to end.

    An answer may have `max_answer_length` tokens. Characters of scripts
    without spaces are counted in place of their tokens, and
    `CHARACTERS_PER_TOKEN` of them weigh as much as a token. A token may
    always stand alone.

    Args:
        spans: the tokens of the texts.
        texts: string `(B,)`.
        max_answer_length: int.

    Returns:
        int32 `(N,)`. Number, in its text, of the token after the last one
        that the answer may have.
    """
    rows = row_ids(spans.ids)
    row_starts = tf.cast(spans.ids.row_starts(), tf.int32)
    row_limits = tf.cast(spans.ids.row_limits(), tf.int32)
    token = tf.range(tf.size(spans.ids.flat_values))
    is_ascii = tf.reduce_all(
        tf.strings.length(texts) == tf.strings.length(texts, "UTF8_CHAR")
    )
    limits = tf.cond(
        is_ascii,
        lambda: token + max_answer_length,
        lambda: _weighed_limits(spans, rows, texts, max_answer_length),
    )
    limits = tf.maximum(limits, token + 1)
    limits = tf.minimum(limits, tf.gather(row_limits, rows))
    return limits - tf.gather(row_starts, rows)


def _weighed_limits(spans, rows, texts, max_answer_length):
    """Returns the limits, `(N,)`, by numbers of tokens in all texts."""
    characters = tf.strings.unicode_decode(texts, "UTF-8")
    bounds = tf.constant(
        [end + i for pair in _UNSPACED for i, end in enumerate(pair)]
    )
    # Inside of a range after an odd number of bounds.
    is_unspaced = (
        tf.searchsorted(bounds, characters.flat_values, side="right") % 2
    )  # int32 (C,)
    before = tf.concat([[0], tf.cumsum(is_unspaced)], 0)
    text_starts = tf.cast(tf.gather(characters.row_starts(), rows), tf.int32)
    unspaced_before = tf.gather(
        before, text_starts + spans.char_starts.flat_values
    )
    unspaced_after = tf.gather(
        before, text_starts + spans.char_ends.flat_values
    )
    weight = tf.where(unspaced_after > unspaced_before, 0, CHARACTERS_PER_TOKEN)
    # Tokens and characters up to a token, all texts one after the other.
    after = tf.cumsum(weight) + unspaced_after
    start = tf.cumsum(weight, exclusive=True) + unspaced_before
    return tf.searchsorted(
        after, start + CHARACTERS_PER_TOKEN * max_answer_length, side="right"
    )


def length_warnings(
    examples: Iterable,
    tokenizer,
    max_question_length: int,
    max_answer_length: int,
) -> list[str]:
    """Returns a sentence on long questions, and one on long answers.

    Args:
        examples: labelled examples with `values` and `origin`.
        tokenizer: the model's.
        max_question_length, max_answer_length: int. The head's options.
    """
    questions, answers = [], []
    batch = []
    for example in examples:
        batch.append(example)
        if len(batch) == _BATCH_SIZE:
            questions += _long_questions(batch, tokenizer, max_question_length)
            answers += _long_answers(batch, tokenizer, max_answer_length)
            batch = []
    questions += _long_questions(batch, tokenizer, max_question_length)
    answers += _long_answers(batch, tokenizer, max_answer_length)
    warnings = []
    if questions:
        warnings.append(
            f"{len(questions)} questions have more than {max_question_length} "
            f"tokens (max_question_length) and lose their ends: "
            f"{listed_origins(questions)}."
        )
    if answers:
        warnings.append(
            f"{len(answers)} answers have more than {max_answer_length} tokens "
            "(max_answer_length), and no answer will be as long: "
            f"{listed_origins(answers)}."
        )
    return warnings


def _long_questions(batch, tokenizer, most):
    texts = tf.constant(
        [example.values["question"] for example in batch], tf.string
    )
    lengths = tokenizer.tokenize(texts).row_lengths().numpy()
    return [batch[index].origin for index in np.flatnonzero(lengths > most)]


def _long_answers(batch, tokenizer, most):
    texts = tf.constant(
        [_answer(example.values) for example in batch], tf.string
    )
    spans = tokenizer.tokenize_with_offsets(texts)
    limits = spans.ids.with_flat_values(answer_limits(spans, texts, most))
    # From an answer's first token; there may be none.
    reach = limits[:, :1].to_tensor(0, shape=(None, 1))[:, 0].numpy()
    is_long = reach < spans.ids.row_lengths().numpy()
    return [batch[index].origin for index in np.flatnonzero(is_long)]


def _answer(values: Mapping) -> str:
    found = first_aligned(values)
    return found["text"] if found else ""
