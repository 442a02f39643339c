"""Scores of answers against rows of tags or spans."""

from collections.abc import Iterable

from task_heads.tagging.marked_spans import marked_spans
from task_heads.tagging.schemes import convert
from task_heads.tagging.scores import entity_scores
from task_heads.tagging.scores import span_scores
from task_heads.tagging.scores import token_accuracy


def score_rows(rows: Iterable, answers: Iterable[dict], scheme: str) -> dict:
    """Returns `entity_scores`, or the accuracy for tags without prefixes.

    Rows of tags are scored word for word, rows of spans by the characters
    at which spans begin and end; a file has the ones or the others.

    Args:
        rows: labelled rows.
        answers: the answer to each.
        scheme: str. The scheme of the rows' tags.
    """
    truth, guess = [], []
    true_spans, guessed_spans = set(), set()
    for number, (row, answer) in enumerate(zip(rows, answers, strict=True)):
        if "tags" in row.values:
            truth.append(convert(row.values["tags"], scheme, _target(scheme)))
            guess.append(answer["tags"])
            continue
        true_spans.update(
            (label, number, start, end)
            for start, end, label in marked_spans(row.values)
        )
        guessed_spans.update(
            (span["label"], number, span["start"], span["end"])
            for span in answer["spans"]
        )
    if not truth:
        return span_scores(true_spans, guessed_spans)
    if scheme == "none":
        return {"token_accuracy": token_accuracy(truth, guess)}
    return entity_scores(truth, guess)


def _target(scheme: str) -> str:
    return "none" if scheme == "none" else "IOB2"
