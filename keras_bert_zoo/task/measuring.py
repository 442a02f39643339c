"""Loss, metrics and score of labelled examples, from one run of the model."""

from collections.abc import Callable
from collections.abc import Iterable
from typing import Any

from absl import logging

from keras_bert_zoo import data
from keras_bert_zoo.task import fit_inputs
from keras_bert_zoo.task.head import TaskHead
from keras_bert_zoo.task.inference import TextAnswers
from keras_bert_zoo.training import distribution
from keras_bert_zoo.training.loop import as_numbers


def measure(
    model: Any,
    examples: Iterable,
    batch_size: int,
    on_batch: Callable[[int], None] | None = None,
) -> dict:
    """Returns what `evaluate` and `score` of a model return together.

    The model runs once where it can: where a head asks the model the same
    whether it evaluates or answers, on one device, with our step.

    Args:
        model: `TaskModel`, compiled.
        examples, batch_size, on_batch: see `TaskModel.measure`.

    Raises:
        InputError: if an example is wrong, or has no label.
    """
    examples = data.labelled_examples(examples, model.head)
    if _may_run_once(model) and not examples.is_weighted:
        try:
            return _in_one_run(model, examples, batch_size, on_batch)
        except data.OtherInputsError:
            logging.info(
                "The model runs twice: once to evaluate, once to score."
            )
    metrics = model.evaluate(
        examples, batch_size=batch_size, return_dict=True, verbose=0
    )
    answers = model.iterate_answers(examples, batch_size, on_batch=on_batch)
    return metrics | model.head.score(examples, answers)


def _may_run_once(model: Any) -> bool:
    head, strategy = model.head, model.distribute_strategy
    fields = (head.example_spec(with_label) for with_label in (False, True))
    return (
        # Without a score of its own nothing is answered.
        type(head).score is not TaskHead.score
        and set.issubset(*map(set, fields))
        and strategy.num_replicas_in_sync == 1
        and not distribution.is_tpu(strategy)
        and not model.has_own_step()
    )


def _in_one_run(model, examples, batch_size, on_batch) -> dict:
    report = data.check_examples(examples, model.head)
    fit_inputs.warn_of_examples(model, examples, report)
    answer = TextAnswers(model, measures=True)
    model.reset_metrics()
    answers = answer(examples, batch_size, on_batch=on_batch)
    score = model.head.score(examples, answers)
    for _ in answers:
        pass  # The metrics count those that the score did not ask for.
    return as_numbers(model.get_metrics_result()) | score
