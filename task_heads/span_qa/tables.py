"""The questions that are answered wrongly with the most confidence."""

from collections.abc import Iterable

from keras_bert_zoo.task.report_tables import Mistake
from keras_bert_zoo.task.report_tables import Table
from keras_bert_zoo.task.report_tables import mistake_tables
from keras_bert_zoo.task.report_tables import score_tables
from task_heads.span_qa.examples import answers_of
from task_heads.span_qa.score_rows import score_rows
from task_heads.span_qa.scores import exact_match

NO_ANSWER = "(no answer)"


def answer_tables(
    rows: Iterable, answers: Iterable[dict], null_threshold: float | None
) -> list[Table]:
    """Returns the scores, and the answers that match none of the true ones.

    Args:
        rows, answers: as for `TaskHead.score`.
        null_threshold: as for `score_rows`.
    """
    answers = list(answers)
    mistakes = []
    for row, answer in zip(rows, answers, strict=True):
        truth = [found["text"] for found in answers_of(row.values)] or [""]
        given = answer["answer"]
        if any(exact_match(given, text) for text in truth):
            continue
        confidence = answer["score" if given else "no_answer_probability"]
        mistakes.append(
            Mistake(
                row.origin,
                row.values["question"],
                " | ".join(dict.fromkeys(truth)) or NO_ANSWER,
                given or NO_ANSWER,
                confidence,
            )
        )
    return [
        *score_tables(score_rows(rows, answers, null_threshold)),
        *mistake_tables(mistakes, "its probability"),
    ]
