"""Texts that lost their ends, in words."""

from absl import logging

from keras_bert_zoo import data
from keras_bert_zoo.task.head import TaskHead


def truncation(
    counts: data.InputCounts, head: TaskHead, sequence_length: int
) -> str:
    """Returns how many texts lost their ends, and which those are."""
    which = head.truncated.format(length=sequence_length)
    return f"{counts.num_truncated} of {counts.num_examples} {which}"


def report_truncation(
    counts: data.InputCounts, head: TaskHead, sequence_length: int
) -> None:
    """Warns of texts that lost their ends."""
    if counts.num_truncated:
        logging.warning(
            "Truncated: %s.", truncation(counts, head, sequence_length)
        )
