"""Answers of a trained model for new texts."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from keras_bert_zoo.arguments import Column
from keras_bert_zoo.arguments import Model
from keras_bert_zoo.arguments import Positive
from keras_bert_zoo.arguments import Rows
from keras_bert_zoo.arguments import Texts
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.workflows import options as workflow_options


@dataclasses.dataclass(frozen=True)
class PredictResult:
    """What a model answered.

    Attributes:
        answers: a dict for each example, in order; empty where each was
            given to `on_answer`.
        num_examples: int.
    """

    answers: Sequence[Mapping[str, Any]]
    num_examples: int


def predict(
    model: Model,
    *,
    text: Texts | None = None,
    text_pair: Texts | None = None,
    data: Rows | None = None,
    batch_size: Positive = 32,
    text_column: Column | None = None,
    text_pair_column: Column | None = None,
    data_format: str | None = None,
    on_answer: Callable[[dict, int, int], None] | None = None,
    progress: Any = None,
) -> PredictResult:
    """Answers texts with a trained model, in their order.

    Args:
        model: as in `evaluate`.
        text: input text; may be given many times (in Python, a text or a list
            of texts).
        text_pair: the second text of each, where an example has two.
        data: the texts, in place of `text` (in Python, also rows or a list
            of mappings).
        batch_size: examples in a batch.

    Args, columns:
        text_column, text_pair_column, data_format: as in `finetune`.

    Args, Python alone:
        on_answer: function of an answer, its number from 1 and the number of
            examples. Answers that are given to it are not kept.
        progress: `Progress` or `None`. Hears how many are answered.

    Returns:
        `PredictResult`.

    Raises:
        InputError: if there is no trained model, or an example breaks a rule.
    """
    options = workflow_options.checked(predict, locals())
    if (options["text"] is None) == (options["data"] is None):
        raise InputError(
            "Texts are given by one of `text` and `data`. Received: "
            f"{'neither' if options['text'] is None else 'both'}. Give one."
        )
    if isinstance(options["data"], str):
        os.stat(options["data"])  # before a model is loaded

    from keras_bert_zoo.data import MemoryExamples
    from keras_bert_zoo.data import check_examples
    from keras_bert_zoo.workflows.examples import CountedExamples
    from keras_bert_zoo.workflows.examples import read_examples
    from keras_bert_zoo.workflows.progress import Progress
    from keras_bert_zoo.workflows.trained_model import columns_of
    from keras_bert_zoo.workflows.trained_model import load_model

    progress = progress or Progress()
    model = load_model(options["model"], progress)
    if options["data"] is None:
        rows = MemoryExamples(_texts_by_field(options, model.head))
    else:
        rows = read_examples(
            options["data"],
            model.head,
            columns_of(options["model"], options),
            False,
        )
    counted = CountedExamples(rows, progress, "texts")
    report = check_examples(counted, model.head, with_label=False)
    total = report.num_examples
    answers = []
    each = on_answer or (lambda answer, number, total: answers.append(answer))
    for number, answer in enumerate(
        model.iterate_answers(
            rows,
            options["batch_size"],
            on_batch=lambda done: progress.on_work("predicting", done, total),
        ),
        start=1,
    ):
        each(answer, number, total)
    return PredictResult(answers, total)


def _texts_by_field(options: Mapping[str, Any], head: Any) -> dict:
    given = {
        name: options[name]
        for name in ("text", "text_pair")
        if options[name] is not None
    }
    if len(given) != len(head.text_fields):
        wanted = [
            f"{name} ({field})"
            for name, field in zip(("text", "text_pair"), head.text_fields)
        ]
        raise InputError(
            f"The model reads {' and '.join(wanted)}. Received: "
            f"{' and '.join(given)}. Give each, or a file as `data`."
        )
    return dict(zip(head.text_fields, given.values(), strict=True))
