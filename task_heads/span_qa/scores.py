"""Scores of answers to questions, and the tables of a report on them."""

from collections.abc import Iterable
from collections.abc import Mapping

from keras_bert_zoo.task.report_tables import Mistake
from keras_bert_zoo.task.report_tables import Table
from keras_bert_zoo.task.report_tables import mistake_tables
from keras_bert_zoo.task.report_tables import score_tables
from task_heads.span_qa.cmrc_scores import cmrc_scores
from task_heads.span_qa.cmrc_scores import has_characters
from task_heads.span_qa.decoding import MAX_DIFFERENCE
from task_heads.span_qa.examples import answers_of
from task_heads.span_qa.squad_scores import exact_match
from task_heads.span_qa.squad_scores import squad_v1_scores
from task_heads.span_qa.squad_scores import squad_v2_scores

NO_ANSWER = "(no answer)"


def score_examples(
    examples: Iterable, answers: Iterable[dict], null_threshold: float | None
) -> dict:
    """Returns the scores of SQuAD 1.1, or 2.0 if a question has no answer.

    The latter hold the best thresholds too, on the scale of
    `null_score_difference`. Where true answers have Chinese or Japanese
    characters, `cmrc_scores` are added.

    Args:
        examples: labelled examples.
        answers: the answer to each.
        null_threshold: float or `None`. The head's own; `None` if it never
            says that there is no answer.

    Raises:
        InputError: if there are no examples.
    """
    gold, predicted, best, differences = {}, {}, {}, {}
    for number, (example, answer) in enumerate(
        zip(examples, answers, strict=True)
    ):
        gold[number] = [
            true_answer["text"] for true_answer in answers_of(example.values)
        ]
        predicted[number] = answer["answer"]
        candidates = answer["candidates"]
        best[number] = candidates[0]["text"] if candidates else ""
        differences[number] = answer["null_score_difference"]
    extra = {}
    if any(has_characters(text) for texts in gold.values() for text in texts):
        extra = cmrc_scores(gold, predicted)
    if all(gold.values()):
        return squad_v1_scores(gold, predicted) | extra
    if null_threshold is None:
        return squad_v2_scores(gold, predicted) | extra
    scores = squad_v2_scores(gold, best, differences, null_threshold)
    return scores | extra


def best_threshold(scores: Mapping[str, float]) -> float:
    """Returns the threshold with the best F1.

    SQuAD's script says 0 where it is best to answer nothing, which does so
    only for probabilities. Here differences of logits are compared.

    Args:
        scores: what `score_examples` returned, of examples some of which have
            no answer.
    """
    answering_nothing = 100.0 * scores.get("NoAns_total", 0) / scores["total"]
    if scores["best_f1"] > answering_nothing:
        return scores["best_f1_thresh"]
    return -MAX_DIFFERENCE - 1.0


def answer_tables(
    examples: Iterable, answers: Iterable[dict], null_threshold: float | None
) -> list[Table]:
    """Returns the scores, and the answers that match none of the true ones.

    Args:
        examples, answers: as for `TaskHead.score`.
        null_threshold: as for `score_examples`.
    """
    answers = list(answers)
    mistakes = []
    for example, answer in zip(examples, answers, strict=True):
        truth = [
            true_answer["text"] for true_answer in answers_of(example.values)
        ] or [""]
        predicted = answer["answer"]
        if any(exact_match(predicted, text) for text in truth):
            continue
        confidence = answer["score" if predicted else "no_answer_probability"]
        mistakes.append(
            Mistake(
                example.origin,
                example.values["question"],
                " | ".join(dict.fromkeys(truth)) or NO_ANSWER,
                predicted or NO_ANSWER,
                confidence,
            )
        )
    return [
        *score_tables(score_examples(examples, answers, null_threshold)),
        *mistake_tables(mistakes, "its probability"),
    ]
