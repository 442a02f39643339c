"""Scores of answers against rows of tags or spans."""

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from task_heads.tagging.entities import entities
from task_heads.tagging.entities import strict_entities
from task_heads.tagging.given_labels import spans_of
from task_heads.tagging.given_labels import tags_of
from task_heads.tagging.label_set import LabelSet
from task_heads.tagging.scores import entity_scores
from task_heads.tagging.scores import span_scores
from task_heads.tagging.scores import token_accuracy


def score_rows(
    rows: Iterable,
    answers: Iterable[dict],
    scheme: str,
    labels: LabelSet,
    strict: bool = False,
) -> dict:
    """Returns `entity_scores`, or the accuracy for tags without prefixes.

    Rows of tags are scored word for word. Once there are rows of spans,
    which are known by the characters at which they begin and end, all that
    counts is whether spans are found, and there is no accuracy of words.
    Tags without prefixes spell no spans: rows of both kinds have a score
    each, `span_scores` and the accuracy.

    Args:
        rows: labelled rows.
        answers: the answer to each.
        scheme: str. The scheme of the rows' tags.
        labels: of the head.
        strict: bool. See `entity_scores`.
    """
    truth, guess = [], []
    true_spans, guessed_spans = set(), set()
    num_rows = 0
    for number, (row, answer) in enumerate(zip(rows, answers, strict=True)):
        num_rows += 1
        tags = tags_of(row.values)
        if tags is None:
            true_spans |= _numbered(number, spans_of(row.values))
            guessed_spans |= _numbered(
                number,
                ((s["start"], s["end"], s["label"]) for s in answer["spans"]),
            )
            continue
        truth.append(labels.spelled(tags, scheme))
        guess.append(answer["tags"])
        if scheme != "none":
            true_spans |= _numbered(number, _spans_of_words(truth[-1]))
            guessed_spans |= _numbered(number, _spans_of_words(guess[-1]))
    accuracy = {}
    if scheme == "none" and truth:
        accuracy = {"token_accuracy": token_accuracy(truth, guess)}
    if len(truth) < num_rows or not num_rows:
        return span_scores(true_spans, guessed_spans) | accuracy
    return accuracy or entity_scores(truth, guess, strict, labels.scheme)


def is_right(
    values: Mapping[str, Any],
    answer: dict,
    scheme: str,
    labels: LabelSet,
    strict: bool = False,
) -> bool:
    """Returns whether an answer has exactly the spans of its row.

    That is, their ends and types; of tags without prefixes, which spell no
    spans, all tags.

    Args:
        values: a labelled row.
        answer: the answer to it.
        scheme, labels, strict: as for `score_rows`.
    """
    tags = tags_of(values)
    if tags is None:
        found = {(s["start"], s["end"], s["label"]) for s in answer["spans"]}
        return found == set(spans_of(values))
    truth, guess = labels.spelled(tags, scheme), answer["tags"]
    if scheme == "none":
        return truth == guess
    if strict:
        return strict_entities(truth, labels.scheme) == strict_entities(
            guess, labels.scheme
        )
    return entities(truth) == entities(guess)


def _numbered(number: int, spans: Iterable) -> set[tuple]:
    return {(label, number, start, end) for start, end, label in spans}


def _spans_of_words(tags: list[str]) -> Iterator[tuple[int, int, str]]:
    for name, start, end in entities(tags):
        yield start, end, name
