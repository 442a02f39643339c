"""Marked spans that do not begin and end where words do."""

from collections.abc import Iterable
from collections.abc import Iterator
from typing import NamedTuple

import tensorflow as tf

from task_heads.tagging.examples import spans_of
from task_heads.tagging.features import find_words

_BATCH_SIZE = 256
# Most spans that a message lists.
_SHOWN_SPANS = 10


class MisalignedSpan(NamedTuple):
    """A span whose ends are not the ends of words.

    It is learned as the tokens that it touches, and no prediction can equal
    it: predicted spans are made of whole words.

    Attributes:
        origin: str. Where its example stands.
        start: int. Its first character.
        end: int. The character after its last.
        label: str.
        text: str. What it covers.
        is_lost: bool. Whether no token is left to it, so that it is not
            learned at all.
    """

    origin: str
    start: int
    end: int
    label: str
    text: str
    is_lost: bool


def misaligned_spans(examples: Iterable, tokenizer) -> Iterator[MisalignedSpan]:
    """Yields the spans that begin or end elsewhere than a word does.

    Args:
        examples: examples with `values` and `origin`; those of `tokens` are
            passed over.
        tokenizer: the model's.
    """
    batch = []
    for example in examples:
        if example.values.get("tokens") is None and spans_of(example.values):
            batch.append(example)
        if len(batch) == _BATCH_SIZE:
            yield from _of_batch(batch, tokenizer)
            batch = []
    if batch:
        yield from _of_batch(batch, tokenizer)


def alignment_warnings(examples: Iterable, tokenizer) -> list[str]:
    """Returns a sentence that counts and lists `misaligned_spans`, or none."""
    misaligned = list(misaligned_spans(examples, tokenizer))
    if not misaligned:
        return []
    shown = [
        f"{span.origin}: {span.text!r} ({span.label}, {span.start}-{span.end})"
        + (" lost" if span.is_lost else "")
        for span in misaligned[:_SHOWN_SPANS]
    ]
    more = len(misaligned) - len(shown)
    num_lost = sum(span.is_lost for span in misaligned)
    return [
        "Spans that do not begin and end where words do, so that no "
        f"prediction can equal them: {len(misaligned)}, {num_lost} of them "
        f"lost, with no token of their own. {'; '.join(shown)}"
        + (f"; and {more} more." if more else ".")
    ]


def _of_batch(examples, tokenizer) -> Iterator[MisalignedSpan]:
    texts = tf.constant([example.values["text"] for example in examples])
    tokens = tokenizer.tokenize_with_offsets(texts)
    words = find_words(texts, tokens, tokenizer)
    token_offsets = list(
        zip(tokens.char_starts.to_list(), tokens.char_ends.to_list())
    )
    for example, starts, ends, offsets in zip(
        examples,
        words.char_starts.to_list(),
        words.char_ends.to_list(),
        token_offsets,
    ):
        spans = spans_of(example.values)
        wrong = [
            span
            for span in spans
            if span[0] not in starts or span[1] not in ends
        ]
        kept = _spans_with_tokens(spans, *offsets) if wrong else ()
        for start, end, label in wrong:
            text = example.values["text"][start:end]
            yield MisalignedSpan(
                example.origin,
                start,
                end,
                label,
                text,
                (start, end, label) not in kept,
            )


def _spans_with_tokens(spans, starts, ends) -> set:
    """Returns the spans that `tagging_features` gives a token."""
    kept = set()
    for start, end in zip(starts, ends):
        # A token belongs to the last span that begins before its end.
        begun = [span for span in spans if span[0] < end]
        if begun and start < begun[-1][1]:
            kept.add(begun[-1])
    return kept
