"""One question about a text, as plain values."""

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from keras_bert_zoo.errors import InputError
from task_heads.span_qa.alignment import align_answers

TEXT_FIELDS = ("question", "context")

# In place of the characters where an answer begins and ends.
NO_ANSWER = (-1, -1)
UNUSABLE = (-2, -2)


def question_example(values: Mapping[str, Any], with_label: bool) -> dict:
    """Returns the fields of a row; see `TaskHead.example`.

    Args:
        values: `question`, `context` and, with a label, `answers`: a list of
            mappings with `text` and `start`, the answer's first character
            in the context; one such mapping; or an empty list where the
            context has no answer.
        with_label: bool. Whether the answers are read.

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
        start, end = _answer_ends(example["context"], answers_of(values))
        example |= {"answer_start": start, "answer_end": end}
    return example


def answers_of(values: Mapping[str, Any]) -> list[Mapping]:
    """Returns the answers of a labelled row.

    Raises:
        InputError: if there are none given, or of another form.
    """
    answers = values.get("answers")
    if isinstance(answers, Mapping):
        answers = [answers]
    if not isinstance(answers, Sequence) or isinstance(answers, str):
        received = "none" if answers is None else f"{answers!r:.60}"
        raise InputError(
            "A question to learn from, or to score, must have `answers`, a "
            f"list. Received: {received}. Give an empty list where the "
            "context has no answer."
        )
    for answer in answers:
        proper = isinstance(answer, Mapping)
        if (
            not proper
            or not isinstance(answer.get("text"), str)
            or type(answer.get("start")) is not int
        ):
            raise InputError(
                "An answer must have a `text` and its `start`, the number of "
                f"characters before it. Received: {answer!r:.60}. Give both."
            )
    return list(answers)


def answers_in(row) -> list[Mapping]:
    """Returns the same, with the row's origin in the error."""
    try:
        return answers_of(row.values)
    except InputError as error:
        raise InputError(f"{row.origin}: {error}") from error


def first_aligned(values: Mapping[str, Any]) -> Mapping | None:
    """Returns the answer of a labelled row that is learned, if there is one."""
    aligned, _ = align_answers(values["context"], answers_of(values))
    return aligned[0] if aligned else None


def misalignment(values: Mapping[str, Any]) -> str | None:
    """Returns what is wrong with the starts of a labelled row's answers."""
    aligned, misaligned = align_answers(values["context"], answers_of(values))
    if not misaligned:
        return None
    if not aligned:
        return "no answer stands at its start, and none is learned"
    return "some answers do not stand at their start, and another is learned"


def _answer_ends(context: str, answers: list[Mapping]) -> tuple[int, int]:
    if not answers:
        return NO_ANSWER
    aligned, _ = align_answers(context, answers)
    if not aligned:
        return UNUSABLE
    start = aligned[0]["start"]
    return start, start + len(aligned[0]["text"])
