"""What a task model does with raw texts, beside learning from them."""

from collections.abc import Iterable
from collections.abc import Iterator

from keras_bert_zoo.task.answers import TextAnswers
from keras_bert_zoo.task.report_tables import report_tables
from keras_bert_zoo.task.rows import labelled_rows


class TextAnswering:
    """Answers texts, scores the answers, and tunes the head by them.

    The model that this is a part of has `head`, `tokenizer` and
    `sequence_length`.
    """

    _answer: TextAnswers | None = None

    def predict_text(self, texts, *more, batch_size: int = 32) -> list | dict:
        """Answers for raw texts, in their order.

        Args:
            texts: one text, a list of them (of tuples, where the head reads
                more than one), or rows.
            *more: where `texts` is one text, the head's further ones.
            batch_size: int. Examples in a batch.

        Returns:
            One dict per example, as the head's `answers` makes them; for one
            given as strings, one dict.
        """
        if isinstance(texts, str):
            example = (texts, *more) if more else texts
            (answer,) = self.iterate_answers([example], batch_size)
            return answer
        return list(self.iterate_answers(texts, batch_size))

    def score(self, rows: Iterable, batch_size: int = 32) -> dict:
        """Returns the head's `score` of the answers to labelled rows.

        Args:
            rows: labelled rows, re-iterable, or a list of mappings.
            batch_size: int.

        Raises:
            InputError: if a row is wrong, or has no label.
        """
        rows = labelled_rows(rows, self.head)
        return self.head.score(rows, self.iterate_answers(rows, batch_size))

    def report_tables(self, rows: Iterable, batch_size: int = 32) -> list:
        """Returns a list of `Table` on the answers to labelled rows.

        Args:
            rows: labelled rows, re-iterable, or a list of mappings.
            batch_size: int.

        Raises:
            InputError: if a row is wrong, or has no label.
        """
        rows = labelled_rows(rows, self.head)
        answers = self.iterate_answers(rows, batch_size)
        return report_tables(self.head, rows, answers)

    def tune(self, rows: Iterable, batch_size: int = 32) -> dict:
        """Lets the head choose options, such as a threshold, on rows.

        Args:
            rows: labelled rows that were not trained on, re-iterable, or a
                list of mappings.
            batch_size: int.

        Returns:
            dict of the options chosen; empty for heads that choose none.

        Raises:
            InputError: if a row is wrong, or has no label.
        """
        rows = labelled_rows(rows, self.head)
        answers = self.iterate_answers(rows, batch_size)
        chosen = self.head.tune(rows, answers)
        # The graphs hold the old ones.
        self._answer = None
        return chosen

    def iterate_answers(
        self, texts: Iterable, batch_size: int = 32
    ) -> Iterator[dict]:
        """Yields the answers of `predict_text`, a few held at a time."""
        if self._answer is None:
            self._answer = TextAnswers(self)
        return self._answer(texts, batch_size)
