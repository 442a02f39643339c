"""Scores of answers against rows of questions."""

from collections.abc import Iterable
from collections.abc import Mapping

from task_heads.span_qa.character_scores import cmrc_scores
from task_heads.span_qa.character_scores import has_characters
from task_heads.span_qa.decoding import MAX_DIFFERENCE
from task_heads.span_qa.examples import answers_of
from task_heads.span_qa.scores import squad_v1_scores
from task_heads.span_qa.scores import squad_v2_scores


def score_rows(
    rows: Iterable, answers: Iterable[dict], null_threshold: float | None
) -> dict:
    """Returns the scores of SQuAD 1.1, or 2.0 if a question has no answer.

    The latter tell the best thresholds too, on the scale of
    `null_score_difference`. Where true answers have Chinese or Japanese
    characters, `cmrc_scores` are added.

    Args:
        rows: labelled rows.
        answers: the answer to each.
        null_threshold: float or `None`. The head's own; `None` if it never
            says that there is no answer.

    Raises:
        InputError: if there are no rows.
    """
    gold, given, best, differences = {}, {}, {}, {}
    for number, (row, answer) in enumerate(zip(rows, answers, strict=True)):
        gold[number] = [found["text"] for found in answers_of(row.values)]
        given[number] = answer["answer"]
        candidates = answer["candidates"]
        best[number] = candidates[0]["text"] if candidates else ""
        differences[number] = answer["null_score_difference"]
    further = {}
    if any(has_characters(text) for texts in gold.values() for text in texts):
        further = cmrc_scores(gold, given)
    if all(gold.values()):
        return squad_v1_scores(gold, given) | further
    if null_threshold is None:
        return squad_v2_scores(gold, given) | further
    scores = squad_v2_scores(gold, best, differences, null_threshold)
    return scores | further


def best_threshold(scores: Mapping[str, float]) -> float:
    """Returns the threshold with the best F1.

    SQuAD's script says 0 where it is best to answer nothing, which does so
    only for probabilities. Here differences of logits are compared.

    Args:
        scores: what `score_rows` returned, of rows some of which have no
            answer.
    """
    answering_nothing = 100.0 * scores.get("NoAns_total", 0) / scores["total"]
    if scores["best_f1"] > answering_nothing:
        return scores["best_f1_thresh"]
    return -MAX_DIFFERENCE - 1.0
