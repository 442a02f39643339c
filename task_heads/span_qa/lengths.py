"""Questions and answers with more tokens than a head takes or gives."""

from collections.abc import Iterable
from collections.abc import Mapping

import numpy as np

from keras_bert_zoo.data.row_report import listed_origins
from task_heads.span_qa.examples import first_aligned

_BATCH_SIZE = 1024


def length_warnings(
    rows: Iterable, tokenizer, max_question_length: int, max_answer_length: int
) -> list[str]:
    """Returns a sentence on long questions, and one on long answers.

    Args:
        rows: labelled rows with `values` and `origin`.
        tokenizer: `BertTokenizer`.
        max_question_length, max_answer_length: int. The head's options.
    """
    questions, answers = [], []
    batch = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH_SIZE:
            _add_long(batch, tokenizer, max_question_length, questions)
            _add_long(batch, tokenizer, max_answer_length, answers, _answer)
            batch = []
    _add_long(batch, tokenizer, max_question_length, questions)
    _add_long(batch, tokenizer, max_answer_length, answers, _answer)
    found = []
    if questions:
        found.append(
            f"{len(questions)} questions have more than {max_question_length} "
            f"tokens (max_question_length) and lose their ends: "
            f"{listed_origins(questions)}."
        )
    if answers:
        found.append(
            f"{len(answers)} answers have more than {max_answer_length} tokens "
            "(max_answer_length), and no answer will be as long: "
            f"{listed_origins(answers)}."
        )
    return found


def _question(values: Mapping) -> str:
    return values["question"]


def _answer(values: Mapping) -> str:
    found = first_aligned(values)
    return found["text"] if found else ""


def _add_long(batch, tokenizer, most, found, text_of=_question):
    if not batch:
        return
    ids = tokenizer.tokenize([text_of(row.values) for row in batch])
    lengths = np.asarray(ids.row_lengths())
    found += [batch[place].origin for place in np.flatnonzero(lengths > most)]
