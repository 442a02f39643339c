"""Spans that a sequence of labels spells, in graph ops.

Letters: `L` labels, `W` words of all texts, `E` spans of all texts.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from task_heads.tagging.entities import OUTSIDE
from task_heads.tagging.entities import entities
from task_heads.tagging.entities import letter_and_type


class SpanReader:
    """Reads spans from labels as `entities` reads entities from tags.

    Args:
        labels: list of str. Tags in the order of their ids.
        scheme: str. Their scheme; where it is `none`, each word with another
            tag than `O` is a span.
    """

    def __init__(self, labels: Sequence[str], scheme: str):
        prefixed = scheme != "none"
        self.types = list(labels)
        if prefixed:
            self.types = [
                "" if label == OUTSIDE else letter_and_type(label)[1]
                for label in labels
            ]
        self._starts, self._ends = _tables(labels, prefixed)

    def read(self, label_ids, texts) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the first and last words of the spans, int32 `(E,)` each.

        Args:
            label_ids: int32 `(W,)`.
            texts: int `(W,)`, the text of each word, rising.
        """
        outside = tf.fill([1], len(self.types))
        first = tf.concat([[True], texts[1:] != texts[:-1]], 0)
        first = first[: tf.size(texts)]
        last = tf.concat([first[1:], [True]], 0)[: tf.size(texts)]
        before = tf.concat([outside, label_ids[:-1]], 0)[: tf.size(texts)]
        before = tf.where(first, outside, before)
        after = tf.where(
            last,
            outside,
            tf.concat([label_ids[1:], outside], 0)[: tf.size(texts)],
        )
        return tuple(
            tf.cast(tf.where(flags)[:, 0], tf.int32)
            for flags in (
                self.starts(before, label_ids),
                self.ends(label_ids, after),
            )
        )

    def starts(self, before, label_ids) -> tf.Tensor:
        """Returns whether spans start at words, bool of the ids' shape.

        Args:
            before: int32, label ids of the words before; `L` for none.
            label_ids: int32, those of the words; `L` for no word.
        """
        return _look_up(self._starts, before, label_ids)

    def ends(self, label_ids, after) -> tf.Tensor:
        """Returns whether spans end at words, bool of the ids' shape.

        Args:
            label_ids: int32, label ids of the words; `L` for no word.
            after: int32, those of the words after; `L` for none.
        """
        return _look_up(self._ends, label_ids, after)


def _tables(labels, prefixed) -> tuple[np.ndarray, np.ndarray]:
    """Returns where spans start and end, bool by label before and after."""
    tags = [*labels, OUTSIDE]
    shape = (len(tags), len(tags))
    starts, ends = np.zeros(shape, bool), np.zeros(shape, bool)
    for i, before in enumerate(tags):
        for j, after in enumerate(tags):
            if prefixed:
                found = entities([before, after])
                starts[i, j] = any(span.start == 1 for span in found)
                ends[i, j] = any(span.end == 1 for span in found)
            else:
                starts[i, j] = after != OUTSIDE
                ends[i, j] = before != OUTSIDE
    return starts, ends


def _look_up(table: np.ndarray, rows, columns) -> tf.Tensor:
    return tf.gather(
        tf.constant(table.reshape(-1)), rows * len(table) + columns
    )
