"""The argument `heads` of several tasks: its forms, and its checks."""

import re
from collections.abc import Mapping
from typing import Any

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task import TaskHead
from task_heads.multi_task import fields

_TASK = re.compile(r"[a-z][a-z0-9_]*")
# Keras names the measures of held-out rows so, and a task's after the task.
_HELD_OUT = re.compile(r"val(_.*)?")
_FORM = "intent=classification,slots=tagging"


def checked(heads: Any) -> dict[str, TaskHead]:
    """Returns the heads by task, if they can share an encoder's run.

    Raises:
        InputError: if there are fewer than two, a task's name is no
            identifier or taken, or heads differ in what they read.
    """
    if not isinstance(heads, Mapping) or len(heads) < 2:
        raise InputError(
            "`heads` must be a dict from two or more tasks to their heads. "
            f"Received: {heads!r:.80}. One task needs its own head alone."
        )
    for task, head in heads.items():
        if not isinstance(task, str) or not _TASK.fullmatch(task):
            raise InputError(
                "A task's name must have lower-case letters, digits and "
                f"underscores, a letter first. Received: {task!r}. Rename it."
            )
        if not isinstance(head, TaskHead):
            raise InputError(
                f"The head of {task!r} must be a `TaskHead`. Received: "
                f"{head!r:.80}. `MultiTaskHead.from_examples` takes names."
            )
        _check_alone(task, head)
    _check_together(dict(heads))
    return dict(heads)


def parse_heads(given: Any) -> dict[str, tuple[Any, dict]]:
    """Returns task -> head, or its name, and the name's options.

    Raises:
        InputError: if the form is not as `MultiTaskHead.from_examples` says.
    """
    if isinstance(given, str):
        pairs = [
            tuple(map(str.strip, part.split("="))) for part in given.split(",")
        ]
        if all(len(pair) == 2 and all(pair) for pair in pairs):
            tasks = [task for task, _ in pairs]
            if len(set(tasks)) < len(tasks):
                raise InputError(
                    "Each task must be named once in `heads`. Received: "
                    f"{given:.80}. Rename or remove one."
                )
            given = dict(pairs)
    if not isinstance(given, Mapping):
        raise InputError(
            f"`heads` must name each task and its head, as in {_FORM}. "
            f"Received: {given!r:.80}. Write them like that, or as a dict."
        )
    parsed = {}
    for task, head in given.items():
        options: Any = {}
        if isinstance(head, list | tuple) and len(head) == 2:
            head, options = head
        if not isinstance(head, str | TaskHead) or not isinstance(
            options, Mapping
        ):
            raise InputError(
                "A task's head must be a name, a name and a dict of options, "
                f"or a `TaskHead`. Received: {task}={head!r:.80}. Give one."
            )
        if isinstance(task, str) and _HELD_OUT.fullmatch(task):
            raise InputError(
                "A task's name must not be val, nor begin with val_: its "
                "training metrics would look like validation metrics. "
                f"Received: {task!r}. Rename it."
            )
        if head == "multi_task":
            raise InputError(
                "A task's head must learn one task. Received: "
                f"{task}={head}. Name the heads of its tasks instead."
            )
        parsed[task] = head, dict(options)
    return parsed


def _check_alone(task: str, head: TaskHead) -> None:
    if head.token_inputs() or not head.label_fields:
        raise InputError(
            "Heads that share an encoder's run must read its inputs as they "
            f"are, and learn from labels. Received: {task}={head.name}, "
            "which does not. Train it alone."
        )
    if task in head.text_fields:
        raise InputError(
            "A task must not have the name of a text's field. Received: "
            f"{task!r}. Rename the task."
        )


def _check_together(heads: dict[str, TaskHead]) -> None:
    texts = {task: tuple(head.text_fields) for task, head in heads.items()}
    if len(set(texts.values())) > 1:
        shown = "; ".join(f"{k} reads {', '.join(v)}" for k, v in texts.items())
        raise InputError(
            "Heads that share an encoder's run must read the same texts. "
            f"Received: {shown}. Train them apart."
        )
    splitting = {type(head) for head in heads.values() if head.splits_texts}
    if len(splitting) > 1:
        shown = ", ".join(sorted(kind.name for kind in splitting))
        raise InputError(
            "Heads that split long texts must do it alike. Received: "
            f"{shown}. Train them apart."
        )
    taken: dict[str, str] = {}
    for task, head in heads.items():
        names = {*fields.output_names(task, head).values()}
        for info in (*head.signature().outputs, *head.token_outputs()):
            names.add(f"{task}_{info.name}")
        for name in sorted(names & set(taken)):
            raise InputError(
                "Tasks must have outputs of different names. Received: "
                f"{taken[name]!r} and {task!r}, which both have {name!r}. "
                "Rename one of them."
            )
        taken |= dict.fromkeys(names, task)
