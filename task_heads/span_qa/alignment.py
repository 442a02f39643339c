"""Whether answers stand where their data say."""

import dataclasses
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence

from keras_bert_zoo.data.rows import Row
from keras_bert_zoo.errors import InputError


@dataclasses.dataclass(frozen=True)
class AlignmentReport:
    """What a look at all questions of a file found.

    Attributes:
        num_questions: int. Questions, with labels or without.
        num_answers: int. Answers of all questions.
        num_impossible: int. Questions that their context does not answer.
        misaligned: tuple of str. Ids of the questions with at least one
            answer that does not stand at its start, in the file's order.
    """

    num_questions: int
    num_answers: int
    num_impossible: int
    misaligned: tuple[str, ...]


def alignment_report(rows: Iterable[Row]) -> AlignmentReport:
    """Reads all rows once and counts.

    Many misaligned answers, after the first letter beyond ASCII or the first
    emoji, show that the starts count bytes or UTF-16 units.

    Args:
        rows: rows as `QuestionFile` gives them.

    Raises:
        InputError: if an answer's text is empty, or the rows come from a
            file that breaks a rule.
    """
    num_questions = num_answers = num_impossible = 0
    misaligned = []
    for row in rows:
        answers = row.values.get("answers", ())
        num_questions += 1
        num_answers += len(answers)
        num_impossible += row.values.get("impossible", False)
        if align_answers(row.values["context"], answers)[1]:
            misaligned.append(row.values["id"])
    return AlignmentReport(
        num_questions, num_answers, num_impossible, tuple(misaligned)
    )


def align_answers(
    context: str, answers: Sequence[Mapping]
) -> tuple[list[Mapping], list[Mapping]]:
    """Parts answers that stand at their start from those that do not.

    No answer is moved: `locate` tells where one could be meant.

    Args:
        context: str. The text that answers the question.
        answers: mappings with `text`, str, and `start`, int, the answer's
            first character in the context, from 0.

    Returns:
        `(aligned, misaligned)`, two lists of the mappings as they were.
        Misaligned is also an answer that starts before or ends after the
        context.

    Raises:
        InputError: if an answer's text is empty.
    """
    aligned, misaligned = [], []
    for answer in answers:
        if not answer["text"].strip():
            raise InputError(
                "The text of an answer must have more than spaces. Received: "
                f"{dict(answer)}. Remove it; a question that cannot be "
                "answered has no answers."
            )
        found = _stands_at(context, answer["text"], answer["start"])
        (aligned if found else misaligned).append(answer)
    return aligned, misaligned


def locate(context: str, answer: Mapping) -> dict | None:
    """Finds the place of an answer, the one nearest to its start.

    Args:
        context: str. The text to look in.
        answer: a mapping with `text` and `start`.

    Returns:
        The answer as a dict, with the start where it stands: its own if it
        is aligned, else that of the nearest occurrence, the earlier of two
        as near. If the text occurs nowhere, the same for the text without
        spaces at its ends. `None` if that does not occur either.
    """
    text, start = answer["text"], answer["start"]
    for form in (text, text.strip()):
        place = _nearest(context, form, start) if form else None
        if place is not None:
            return {"text": form, "start": place}
    return None


def _stands_at(context: str, text: str, start: int) -> bool:
    # A negative start would count from the end.
    return start >= 0 and context.startswith(text, start)


def _nearest(context: str, text: str, start: int) -> int | None:
    start = max(start, 0)
    after = context.find(text, start)
    before = context.rfind(text, 0, start + len(text))
    found = [place for place in (before, after) if place >= 0]
    return min(found, key=lambda place: abs(place - start), default=None)
