"""Fraction of rows of which every task's answer is right."""

from collections.abc import Iterable
from collections.abc import Mapping

from keras_bert_zoo.task import TaskHead
from task_heads.multi_task import fields


def frame_accuracy(
    heads: Mapping[str, TaskHead], rows: Iterable, answers: Iterable[dict]
) -> float | None:
    """Returns the fraction of rows with no mistake in any task.

    With an intent and slots this is the sentence-level semantic frame
    accuracy: the intent is right and the slots are exactly the true ones.

    Args:
        heads: heads by task. Each is asked by `is_right(values, answer)`,
            which takes the values of a row as the head reads them.
        rows, answers: as for `TaskHead.score`.

    Returns:
        float in [0, 1]; `None` where an answer to a task is neither right
        nor wrong, as a score is not, or there are no rows.

    Source: Goo et al., 2018, "Slot-gated modeling for joint slot filling
    and intent prediction", section 3.
    """
    if not all(hasattr(head, "is_right") for head in heads.values()):
        return None
    frames = []
    for row, answer in zip(rows, answers, strict=True):
        verdicts = [
            head.is_right(
                fields.values_of(task, head, row.values), answer[task]
            )
            for task, head in heads.items()
        ]
        if None in verdicts:
            return None
        frames.append(all(verdicts))
    return sum(frames) / len(frames) if frames else None
