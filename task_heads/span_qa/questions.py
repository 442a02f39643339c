"""The values of one question, checked."""

from typing import Any

from keras_bert_zoo.errors import InputError


def checked_context(value: Any, place: str) -> str:
    """Returns a context.

    Raises:
        InputError: if it is not a string with more than spaces.
    """
    if not isinstance(value, str) or not value.strip():
        raise InputError(
            f'{place}: "context" must be a string with more than spaces. '
            f"Received: {received(value)}. Give the text to answer from."
        )
    return value


def question_values(record: dict, context: str, place: str) -> dict:
    """Returns the values of a row, without its id.

    Optional keys may be `null`, which is as leaving them out.

    Args:
        record: has `question`; may have `answers` and `is_impossible`.
        context: str. The text to answer from, checked.
        place: where the record stands, for messages.

    Returns:
        dict with `question` and `context`, and, unless neither the answers
        are given nor that there are none, `answers`, a list of dicts with
        `text` and `start`, and `impossible`, bool.

    Raises:
        InputError: if a value is missing or of the wrong kind, or answers
            and `is_impossible` contradict each other.
    """
    question = record.get("question")
    if not isinstance(question, str):
        raise InputError(
            f'{place}: "question" must be a string. Received: '
            f"{received(question)}. Give the question's text."
        )
    values = {"question": question, "context": context}
    impossible = record.get("is_impossible")
    if impossible is not None and not isinstance(impossible, bool):
        raise InputError(
            f'{place}: "is_impossible" must be true or false. Received: '
            f"{received(impossible)}. Mend it, or leave it out."
        )
    given = record.get("answers")
    if given is None:
        # Only false says nothing: the answers may be kept back.
        answers = [] if impossible else None
    else:
        answers = _answers(given, place)
        _check_agreement(answers, impossible, place)
    if answers is not None:
        values["answers"] = answers
        values["impossible"] = not answers
    return values


def question_id(value: Any, place: str) -> str:
    """Returns an id as str.

    Raises:
        InputError: if it is neither an integer nor a string with content.
    """
    if type(value) is int or isinstance(value, str) and value:
        return str(value)
    raise InputError(
        f'{place}: "id" must be a string that is not empty. Received: '
        f"{received(value)}. Give each question its own."
    )


def received(value: Any) -> str:
    """Returns how a message shows a value of a file."""
    return "nothing" if value is None else f"{value!r:.60}"


def _answers(given: Any, place: str) -> list[dict]:
    if isinstance(given, dict):
        given = _transposed(given, place)
    if not isinstance(given, list):
        raise InputError(
            f'{place}: "answers" must be a list. Received: '
            f"{received(given)}. A question without answer has []."
        )
    return [
        _answer(answer, f"{place}.answers[{number}]")
        for number, answer in enumerate(given)
    ]


def _transposed(given: dict, place: str) -> list[dict]:
    """Turns a dict of lists into a list of dicts."""
    texts, starts = given.get("text"), given.get("answer_start")
    lists = isinstance(texts, list) and isinstance(starts, list)
    if not lists or len(texts) != len(starts):
        raise InputError(
            f'{place}: "answers" must be a list, or have lists "text" and '
            f'"answer_start" of one length. Received: {received(given)}. '
            "Give each text its start."
        )
    return [
        {"text": text, "answer_start": start}
        for text, start in zip(texts, starts)
    ]


def _answer(given: Any, place: str) -> dict:
    if not isinstance(given, dict):
        raise InputError(
            f'{place}: an answer must be an object with "text" and '
            f'"answer_start". Received: {received(given)}. Give both.'
        )
    text, start = given.get("text"), given.get("answer_start")
    if not isinstance(text, str) or not text.strip():
        raise InputError(
            f'{place}: "text" must be a string with more than spaces. '
            f"Received: {received(text)}. Remove the answer; a question "
            "without any cannot be answered."
        )
    if type(start) is not int:
        raise InputError(
            f'{place}: "answer_start" must be an integer. Received: '
            f"{received(start)}. Count the context's characters before the "
            "answer."
        )
    return {"text": text, "start": start}


def _check_agreement(
    answers: list, impossible: bool | None, place: str
) -> None:
    if impossible is not None and impossible == bool(answers):
        raise InputError(
            f"{place}: a question must have answers, or be impossible, not "
            f'both or neither. Received: "is_impossible" {impossible}, '
            f'{len(answers)} answers. Mend one of the two; "answers" that '
            'are only plausible are called "plausible_answers".'
        )
