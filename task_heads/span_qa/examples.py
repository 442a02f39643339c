"""One question as plain values, and whether its answers stand where it says."""

import dataclasses
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_bert_zoo.data.examples import Example
from keras_bert_zoo.errors import InputError

TEXT_FIELDS = ("question", "context")

# In place of the characters where an answer begins and ends.
NO_ANSWER = (-1, -1)
UNUSABLE = (-2, -2)


def question_example(
    values: Mapping[str, Any], with_label: bool, repairs: bool = False
) -> dict:
    """Returns the fields of an example; see `TaskHead.example`.

    Args:
        values: `question`, `context` and, with a label, `answers`: a list of
            mappings with `text` and `start` (or `answer_start`), the
            answer's first character in the context; one such mapping; one
            of lists; a text, whose start is in `answer_start`; or an empty
            list where the context has no answer.
        with_label: bool. Whether the answers are read.
        repairs: bool. Whether an answer that does not stand at its start is
            moved to its nearest occurrence.

    Returns:
        dict with `question`, `context` and, with a label, `answer_start` and
        `answer_end`, in characters: of the first answer that stands where
        it says, `NO_ANSWER` for none, `UNUSABLE` where none of them does.

    Raises:
        InputError: if a field is missing or its value is not allowed.
    """
    example = {}
    for field in TEXT_FIELDS:
        value = values.get(field)
        if not isinstance(value, str):
            raise InputError(
                f"{field!r} must be a text. Received: {value!r:.60} of type "
                f"{type(value).__name__}. Turn it into a string."
            )
        example[field] = value
    if with_label:
        answers = answers_of(values)
        if repairs:
            context = example["context"]
            answers = [locate(context, one) or one for one in answers]
        start, end = _answer_ends(example["context"], answers)
        example |= {"answer_start": start, "answer_end": end}
    return example


def answers_of(values: Mapping[str, Any]) -> list[Mapping]:
    """Returns the answers of a labelled example.

    Raises:
        InputError: if there are none given, or of another form.
    """
    answers = values.get("answers")
    if isinstance(answers, str):
        # One text, and its start in a column of its own.
        answers = [{"text": answers, "start": values.get("answer_start")}]
    if isinstance(answers, Mapping):
        answers = _rows(answers)
    if not isinstance(answers, Sequence) or isinstance(answers, str):
        received = "none" if answers is None else f"{answers!r:.60}"
        raise InputError(
            "A question to learn from, or to score, must have `answers`, a "
            f"list. Received: {received}. Give an empty list where the "
            "context has no answer."
        )
    return [_answer(answer) for answer in answers]


def _rows(answers: Mapping) -> list[Mapping]:
    """Returns one answer, or a mapping of lists, as a list of answers."""
    texts = answers.get("text")
    starts = answers.get("start", answers.get("answer_start"))
    if not all(isinstance(one, list | tuple) for one in (texts, starts)):
        return [answers]
    if len(texts) != len(starts):
        raise InputError(
            "Answers must have a `start` for each `text`. Received: "
            f"{len(texts)} texts, {len(starts)} starts. Add what is missing."
        )
    return [{"text": t, "start": s} for t, s in zip(texts, starts)]


def _answer(answer: Any) -> Mapping:
    start = text = None
    if isinstance(answer, Mapping):
        text = answer.get("text")
        # The latter as in SQuAD's files.
        start = answer.get("start", answer.get("answer_start"))
        if isinstance(start, np.integer):
            start = int(start)
    if not isinstance(text, str) or type(start) is not int:
        raise InputError(
            "An answer must have a `text` and its `start`, the number of "
            f"characters before it. Received: {answer!r:.60}. Give both."
        )
    return {**answer, "start": start}


def answers_in(example) -> list[Mapping]:
    """Returns the same, with the example's origin in the error."""
    try:
        return answers_of(example.values)
    except InputError as error:
        raise InputError(f"{example.origin}: {error}") from error


def first_aligned(values: Mapping[str, Any]) -> Mapping | None:
    """Returns the answer of a labelled example that is learned, if any."""
    aligned, _ = align_answers(values["context"], answers_of(values))
    return aligned[0] if aligned else None


def misalignment(
    values: Mapping[str, Any], repairs: bool = False
) -> str | None:
    """Returns what is wrong with the starts of a labelled example's answers.

    Args:
        values: as for `question_example`.
        repairs: bool. See there.
    """
    aligned, misaligned = align_answers(values["context"], answers_of(values))
    if not misaligned:
        return None
    if repairs:
        found = [locate(values["context"], one) for one in misaligned]
        if all(found):
            return "answers were moved to their nearest occurrence"
        if aligned or any(found):
            return "some answers are moved, and some stand nowhere in the text"
    if not aligned:
        return "no answer is at its given start, so none is learned"
    return "some answers are not at their given start, so another is learned"


def _answer_ends(context: str, answers: list[Mapping]) -> tuple[int, int]:
    if not answers:
        return NO_ANSWER
    aligned, _ = align_answers(context, answers)
    if not aligned:
        return UNUSABLE
    start = aligned[0]["start"]
    return start, start + len(aligned[0]["text"])


@dataclasses.dataclass(frozen=True)
class AlignmentReport:
    """Counts of questions and answers, and of misaligned answers.

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


def alignment_report(examples: Iterable[Example]) -> AlignmentReport:
    """Counts the questions, answers and misaligned answers of a data set.

    Many misaligned answers, after the first letter beyond ASCII or the first
    emoji, show that the starts count bytes or UTF-16 units.

    Args:
        examples: examples as `QuestionFile` gives them.

    Raises:
        InputError: if an answer's text is empty, or the examples come from a
            file that breaks a rule.
    """
    num_questions = num_answers = num_impossible = 0
    misaligned = []
    for example in examples:
        answers = example.values.get("answers", ())
        num_questions += 1
        num_answers += len(answers)
        num_impossible += example.values.get("impossible", False)
        if align_answers(example.values["context"], answers)[1]:
            misaligned.append(example.values["id"])
    return AlignmentReport(
        num_questions, num_answers, num_impossible, tuple(misaligned)
    )


def align_answers(
    context: str, answers: Sequence[Mapping]
) -> tuple[list[Mapping], list[Mapping]]:
    """Splits answers into those that stand at their start and the others.

    No answer is moved: `locate` finds where one could be meant.

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
        is_aligned = _stands_at(context, answer["text"], answer["start"])
        (aligned if is_aligned else misaligned).append(answer)
    return aligned, misaligned


def locate(context: str, answer: Mapping) -> dict | None:
    """Finds where an answer stands, the one nearest to its start.

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
        index = _nearest(context, form, start) if form else None
        if index is not None:
            return {"text": form, "start": index}
    return None


def _stands_at(context: str, text: str, start: int) -> bool:
    # A negative start would count from the end.
    return start >= 0 and context.startswith(text, start)


def _nearest(context: str, text: str, start: int) -> int | None:
    start = max(start, 0)
    after = context.find(text, start)
    before = context.rfind(text, 0, start + len(text))
    occurrences = [index for index in (before, after) if index >= 0]
    return min(occurrences, key=lambda index: abs(index - start), default=None)
