"""Names of a task's labels, fields and outputs beside those of other tasks.

| what | name | in the model of several tasks |
| --- | --- | --- |
| label of an example | `label` | `intent` |
| field of an example | `label` | `intent/label` |
| output of the model | `logits`, where alone; else `start_logits` | `intent`; \
`answer_start_logits` |
| answer in a signature | `probability` | `intent_probability` |
"""

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from keras_bert_zoo import feature_names
from keras_bert_zoo.data.examples import Example
from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.task import TaskHead


def values_of(task: str, head: TaskHead, values: Mapping[str, Any]) -> dict:
    """Returns an example as a head of its own reads it.

    Args:
        task: str. Its label stands in the field of this name; without one,
            where the head reads it.
        head: the task's head.
        values: the example.
    """
    if task not in values or not head.label_fields:
        return dict(values)
    return {**values, head.label_fields[0]: values[task]}


class TaskExamples(Examples):
    """Examples as the head of one task reads them."""

    def __init__(self, task: str, head: TaskHead, examples: Iterable[Example]):
        self._task = task
        self._head = head
        self._examples = examples

    def __iter__(self) -> Iterator[Example]:
        for example in self._examples:
            yield Example(
                values_of(self._task, self._head, example.values),
                example.origin,
            )


def joined(task: str, head: TaskHead, example: Mapping[str, Any]) -> dict:
    """Returns fields of an example, or their types, under joint names."""
    return {
        name if name in head.text_fields else f"{task}/{name}": value
        for name, value in example.items()
    }


def of_task(examples: Mapping[str, Any], task: str, head: TaskHead) -> dict:
    """Returns the fields of a task's own examples; undoes `joined`."""
    prefix = f"{task}/"
    shared = (*head.text_fields, feature_names.RANDOM_SEED)
    fields = {name: examples[name] for name in shared if name in examples}
    for name, value in examples.items():
        if name.startswith(prefix):
            fields[name.removeprefix(prefix)] = value
    return fields


def output_names(task: str, head: TaskHead) -> dict[str, str]:
    """Returns name of a head's output -> name among those of all tasks."""
    described = [info.name for info in head.logits_signature()]
    if len(described) == 1:
        return {described[0]: task}
    return {name: f"{task}_{name}" for name in described}


def by_output(task: str, head: TaskHead, value: Any) -> dict:
    """Returns values for a head's outputs, by their joint names.

    Args:
        task: str.
        head: the task's head.
        value: a dict by the head's own output names, or one for all.
    """
    return {
        joint: value[own] if isinstance(value, Mapping) else value
        for own, joint in output_names(task, head).items()
    }


def outputs_of(task: str, head: TaskHead, outputs: Mapping[str, Any]) -> Any:
    """Returns a head's own outputs; undoes `by_output`."""
    names_of_outputs = output_names(task, head)
    if len(names_of_outputs) == 1:
        return outputs[task]
    return {own: outputs[name] for own, name in names_of_outputs.items()}
