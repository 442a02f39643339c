"""Scores of whole answers after each epoch, as a Keras callback."""

import math
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping

import keras

from keras_bert_zoo import data
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task.head import TaskHead
from keras_bert_zoo.training import distribution

_MOST_KEPT = 10_000


class EpochScore(keras.callbacks.Callback):
    """Adds the head's own score of held-out examples to an epoch's metrics.

    Metrics of `fit` see sequences; some scores, such as the F1 of an answer
    in a text of several sequences, need whole answers. Callbacks after this
    one, such as `EarlyStopping("val_f1")`, and the history find the score by
    the name that `monitor` returns. Of several workers the first one scores
    for all: they stop together.

    Args:
        examples: labelled examples, re-iterable.
        batch_size: int.
        name: str or `None`. Which number of the head's `score` is added,
            as `val_` and the name, such as `spearman`, higher being better;
            the head's own choice, if any, if `None`. Nothing is added where
            `fit` measures one of this name.

    Attributes:
        best_epoch: int or `None`. The epoch of the highest score, from 0.
        best_answers: list of the answers of that epoch; `None` if there is no
            such epoch, or there are more than 10,000.

    Raises:
        InputError: after an epoch, if an example is wrong or has no label, or
            the score has no such number.
    """

    def __init__(
        self, examples: Iterable, batch_size: int = 32, name: str | None = None
    ):
        super().__init__()
        self._examples = examples
        self._batch_size = batch_size
        self.name = name
        self.best_epoch: int | None = None
        self.best_answers: list[dict] | None = None
        self._best_score = -math.inf

    @staticmethod
    def monitor(head: TaskHead) -> str | None:
        """Returns the name of a head's score; `None` if it has none."""
        return f"val_{head.epoch_scores[-1]}" if head.epoch_scores else None

    def on_epoch_end(self, epoch, logs=None):
        head = self.model.head
        name, choices = self.monitor(head), head.epoch_scores
        if self.name is not None:
            name, choices = f"val_{self.name}", (self.name,)
        if name is None or logs is None or name in logs:
            return
        strategy = self.model.distribute_strategy
        score, mistake = None, ""
        if distribution.is_chief(strategy):
            try:
                examples = data.labelled_examples(self._examples, head)
                answers = _Kept(
                    self.model.iterate_answers(examples, self._batch_size)
                )
                scores = head.score(examples, answers)
                score = _chosen(scores, choices, logs)
                if score > self._best_score:
                    self._best_score, self.best_epoch = score, epoch
                    self.best_answers = answers.all()
            except InputError as error:
                mistake = str(error)
        # Those who wait for the chief hear of its mistake.
        (score, mistake), _ = distribution.from_chief(
            strategy, [score, mistake], {}
        )
        if mistake:
            raise InputError(mistake)
        logs[name] = score


class _Kept:
    """Passes answers on and keeps them, if they are not too many."""

    def __init__(self, answers: Iterator[dict]):
        self._answers = answers
        self._kept: list[dict] = []

    def __iter__(self) -> Iterator[dict]:
        for answer in self._answers:
            if len(self._kept) <= _MOST_KEPT:
                self._kept.append(answer)
            yield answer

    def all(self) -> list[dict] | None:
        """Returns all that were passed on, or `None` for too many."""
        return self._kept if 0 < len(self._kept) <= _MOST_KEPT else None


def _chosen(score: Mapping, names: Iterable[str], logs: Mapping) -> float:
    """Returns the first of these numbers that a score has."""
    numbers = {k: v for k, v in score.items() if isinstance(v, int | float)}
    for name in names:
        if name in numbers:
            return float(numbers[name])
    measured = [k for k in logs if k.startswith("val_")]
    known = [*numbers, *(k.removeprefix("val_") for k in measured)]
    raise InputError(
        "An epoch is scored by a number that `score` or `evaluate` gives. "
        f"Received: {', '.join(names)}. Choose one of {', '.join(known)}."
    )
