"""Several tasks learned together, on one run of the encoder."""

import dataclasses
import os
from collections.abc import Iterable
from collections.abc import Mapping
from functools import partial
from typing import Any

import keras

from keras_bert_zoo import feature_names
from keras_bert_zoo import registry
from keras_bert_zoo.data.readers.json_lines import RecordFile
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task import Features
from keras_bert_zoo.task import Option
from keras_bert_zoo.task import Signature
from keras_bert_zoo.task import TaskHead
from keras_bert_zoo.task import TensorInfo
from keras_bert_zoo.task import build_on_one_encoder
from keras_bert_zoo.task.report_tables import report_tables as tables_of
from task_heads.multi_task import fields
from task_heads.multi_task.features import context_of
from task_heads.multi_task.features import joint_features
from task_heads.multi_task.features import of_first_sequences
from task_heads.multi_task.heads_argument import checked
from task_heads.multi_task.heads_argument import parse_heads
from task_heads.multi_task.metrics import all_metrics
from task_heads.multi_task.metrics import frame_accuracy


class MultiTaskHead(TaskHead):
    """Heads of several tasks, such as a request's intent and its slots.

    All of them read the same text and learn from the same examples; an
    example's label for a task stands in the field of the task's name, or where
    the task's own head reads it. The loss is the sum of theirs: give
    `loss_weights={"intent": 0.5, ...}` to `compile` to weigh them. Metrics and
    answers stand under the name of the task.

    Where a head splits long texts, heads that do not learn from, and answer
    by, the first sequence of each.

    Args:
        heads: dict from task to its `TaskHead`, registered ones.

    Logits: a dict with `TASK` for each head with one output, and `TASK_OUTPUT`
        for each output of the others.

    Raises:
        InputError: if the heads do not go together.
    """

    name = "multi_task"
    label_fields = ("labels",)

    def __init__(self, heads: Mapping[str, TaskHead]):
        self.heads = checked(heads)
        self.label_fields = tuple(self.heads)
        # Those that split first: they know where examples of words have text.
        self._in_order = dict(
            sorted(
                self.heads.items(), key=lambda item: not item[1].splits_texts
            )
        )
        first = next(iter(self._in_order.values()))
        self.text_fields = first.text_fields
        self.other_fields = first.other_fields
        self.splits_texts = first.splits_texts
        self.truncated = first.truncated
        self.scored_metrics = {
            f"{task}_{name}": f"{task}.{path}"
            for task, head in self.heads.items()
            for name, path in head.scored_metrics.items()
        }
        self.mixes_lengths = any(
            head.mixes_lengths for head in self.heads.values()
        )

    @classmethod
    def options(cls) -> tuple[Option, ...]:
        return (
            Option(
                "heads",
                str,
                None,
                "the tasks and the heads that learn them, as in "
                "intent=classification,slots=tagging",
            ),
        )

    @classmethod
    def read_file(
        cls,
        path: str | os.PathLike,
        columns: Mapping[str, str | int | None],
        format: str | None = None,
    ) -> RecordFile:
        named = {
            field: key for field, key in columns.items() if key is not None
        }
        if set(named) - {"text", "text_pair"}:
            raise InputError(
                "Examples for several tasks have each label in the key of its "
                "task's name. Received: a column of labels, "
                f"{', '.join(map(str, named.values()))}. Leave it out."
            )
        return RecordFile(path, format, named)

    @classmethod
    def from_examples(cls, examples: Iterable, **options) -> "MultiTaskHead":
        """Makes the heads for these examples.

        Args:
            examples: examples with `values` and `origin`, re-iterable.
            **options: `heads`: dict from task to a registered head's name, a
                pair of it and a dict of its options, or a `TaskHead`; or
                these as text, as in `intent=classification,slots=tagging`.

        Raises:
            InputError: if `heads` has another form, a name is unknown, or
                the heads do not go together.
        """
        heads = {}
        wanted = parse_heads(options.get("heads"))
        for task, (head, head_options) in wanted.items():
            if not isinstance(head, TaskHead):
                kind = registry.heads.get(head)
                head = kind.from_examples(
                    fields.TaskExamples(task, kind, examples), **head_options
                )
            heads[task] = head
        return cls(heads)

    def get_config(self) -> dict:
        return {
            "heads": {
                task: {"head": head.name, "config": head.get_config()}
                for task, head in self.heads.items()
            }
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "MultiTaskHead":
        return cls(
            {
                task: registry.heads.get(saved["head"]).from_config(
                    saved["config"]
                )
                for task, saved in config["heads"].items()
            }
        )

    def example(self, values: Mapping[str, Any], with_label: bool) -> dict:
        example: dict = {}
        for task, head in self._in_order.items():
            task_values = fields.values_of(task, head, values)
            texts = {k: example[k] for k in self.text_fields if k in example}
            try:
                fields_of_task = head.example(
                    {**task_values, **texts}, with_label
                )
            except InputError as error:
                error.args = (f"{task}: {error}",)
                raise
            example |= fields.joined(task, head, fields_of_task)
        return example

    def mark_unseen(self, values: Mapping[str, Any]) -> tuple[dict, list[str]]:
        marked, unseen = dict(values), []
        for task, head in self.heads.items():
            of_task = fields.values_of(task, head, values)
            of_task, names = head.mark_unseen(of_task)
            if names and head.label_fields:
                marked[task] = of_task[head.label_fields[0]]
                unseen += [f"{task}: {name}" for name in names]
        return marked, unseen

    def remark(self, values: Mapping[str, Any]) -> str | None:
        remarks = [
            (task, head.remark(fields.values_of(task, head, values)))
            for task, head in self.heads.items()
        ]
        lines = [f"{task}: {text}" for task, text in remarks if text]
        return "; ".join(lines) or None

    def example_warnings(self, examples: Iterable, tokenizer) -> list[str]:
        return [
            f"{task}: {line}"
            for task, head in self.heads.items()
            for line in head.example_warnings(
                fields.TaskExamples(task, head, examples), tokenizer
            )
        ]

    def example_spec(self, with_label: bool) -> dict:
        spec: dict = {}
        for task, head in self._in_order.items():
            spec |= fields.joined(task, head, head.example_spec(with_label))
        return spec

    def features(
        self, examples: Mapping[str, Any], tokenizer, sequence_length: int
    ) -> Features:
        return joint_features(
            self._in_order, examples, tokenizer, sequence_length
        )

    def build(self, encoder: keras.Model) -> keras.Model:
        built = build_on_one_encoder(self.heads, encoder)
        outputs: dict = {}
        for task, head in self.heads.items():
            outputs |= fields.by_output(task, head, built[task])
        return keras.Model(encoder.input, outputs)

    def adapt(self, model: keras.Model, examples: Iterable, tokenizer) -> None:
        for task, head in self.heads.items():
            of_task = fields.TaskExamples(task, head, examples)
            head.adapt(model.get_layer(task), of_task, tokenizer)

    def losses(self) -> dict:
        return self._by_output(lambda head: head.losses())

    def weighted_metrics(self) -> dict:
        # All of them: where a text is split, the head of another task must
        # not count its other sequences.
        return self._by_output(all_metrics)

    def decode(self, logits) -> dict:
        return self._answers_of(
            lambda task, head: head.decode(
                fields.outputs_of(task, head, logits)
            )
        )

    def decode_texts(self, logits, context: Mapping[str, Any]) -> dict:
        def decoded(task, head):
            own = fields.outputs_of(task, head, logits)
            if not head.splits_texts:
                own = of_first_sequences(
                    own, context.get(feature_names.NUM_SEQUENCES)
                )
            return head.decode_texts(
                own, context_of(task, context, head.splits_texts)
            )

        return self._answers_of(decoded)

    def answers(self, decoded: Mapping[str, Any]) -> list[dict]:
        by_task = {
            task: head.answers(
                {
                    info.name: decoded[f"{task}_{info.name}"]
                    for info in head.signature().outputs
                }
            )
            for task, head in self.heads.items()
        }
        return [
            dict(zip(by_task, answers, strict=True))
            for answers in zip(*by_task.values(), strict=True)
        ]

    def score(self, examples: Iterable, answers: Iterable[dict]) -> dict:
        answers = list(answers)
        scores = self._each(examples, answers, lambda head: head.score)
        accuracy = frame_accuracy(self.heads, examples, answers)
        if accuracy is None:
            return scores
        return {"frame_accuracy": accuracy, **scores}

    def tune(self, examples: Iterable, answers: Iterable[dict]) -> dict:
        tuned = self._each(examples, answers, lambda head: head.tune)
        return {
            f"{task} {name}": value
            for task, chosen in tuned.items()
            for name, value in chosen.items()
        }

    def report_tables(
        self, examples: Iterable, answers: Iterable[dict]
    ) -> list:
        by_task = self._each(
            examples, answers, lambda head: partial(tables_of, head)
        )
        return [
            table._replace(title=f"{task}: {table.title}")
            for task, tables in by_task.items()
            for table in tables
        ]

    def signature(self) -> Signature:
        first = next(iter(self._in_order.values()))
        return Signature(
            first.signature().inputs,
            self._described(lambda head: head.signature().outputs),
        )

    def token_outputs(self) -> tuple[TensorInfo, ...]:
        return self._described(lambda head: head.token_outputs())

    def logits_signature(self) -> tuple[TensorInfo, ...]:
        return tuple(
            dataclasses.replace(
                info, name=fields.output_names(task, head)[info.name]
            )
            for task, head in self.heads.items()
            for info in head.logits_signature()
        )

    def _by_output(self, of_head) -> dict:
        by_output: dict = {}
        for task, head in self.heads.items():
            by_output |= fields.by_output(task, head, of_head(head))
        return by_output

    def _answers_of(self, decoded) -> dict:
        return {
            f"{task}_{name}": value
            for task, head in self.heads.items()
            for name, value in decoded(task, head).items()
        }

    def _described(self, infos) -> tuple[TensorInfo, ...]:
        return tuple(
            dataclasses.replace(
                info,
                name=f"{task}_{info.name}",
                meaning=f"{task}: {info.meaning}",
            )
            for task, head in self.heads.items()
            for info in infos(head)
        )

    def _each(self, examples, answers, method) -> dict:
        answers = list(answers)
        by_task = {
            task: method(head)(
                fields.TaskExamples(task, head, examples),
                [answer[task] for answer in answers],
            )
            for task, head in self.heads.items()
        }
        return {task: result for task, result in by_task.items() if result}
