"""F1 of spans as a Keras metric."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from task_heads.tagging.spans import SpanReader
from task_heads.tagging.words import word_keys


@keras.saving.register_keras_serializable(package="task_heads")
class SpanF1(keras.metrics.Metric):
    """Micro F1 of spans, read leniently, over all sequences.

    It equals the score of whole texts where each is one sequence; a span
    across two slices of a long text counts as two.

    Args:
        labels: list of str. Tags in the order of their ids.
        scheme: str. Their scheme.

    Call arguments of `update_state`:
        y_true: int `(R, S)` label ids.
        y_pred: float `(R, S, L)` logits.
        sample_weight: float `(R, S)`, above 0 for the tokens that count.
    """

    def __init__(
        self, labels: Sequence[str], scheme: str, name: str = "f1", **kwargs
    ):
        super().__init__(name=name, **kwargs)
        self.labels = list(labels)
        self.scheme = scheme
        self._direction = "up"
        self._reader = SpanReader(labels, scheme)
        types = sorted(set(self._reader.types))
        self._type_ids = [types.index(name) for name in self._reader.types]
        self.num_right, self.num_true, self.num_guessed = (
            self.add_variable((), "zeros", name=part)
            for part in ("num_right", "num_true", "num_guessed")
        )

    def update_state(self, y_true, y_pred, sample_weight=None):
        guess = tf.argmax(y_pred, axis=-1, output_type=tf.int32)
        counts = tf.ones_like(guess, tf.bool)
        if sample_weight is not None:
            counts = tf.broadcast_to(sample_weight, tf.shape(guess)) > 0
        places = tf.where(counts)
        rows = places[:, 0]
        truth = self._spans(
            tf.cast(tf.gather_nd(y_true, places), tf.int32), rows
        )
        guess = self._spans(tf.gather_nd(guess, places), rows)
        # Keys rise with the first word, so each is found by bisection.
        place = tf.searchsorted(truth, guess)
        padded = tf.concat([truth, [-1]], 0)
        right = tf.gather(padded, place) == guess
        for total, number in (
            (self.num_right, tf.math.count_nonzero(right)),
            (self.num_true, tf.size(truth)),
            (self.num_guessed, tf.size(guess)),
        ):
            total.assign_add(tf.cast(number, total.dtype))

    def result(self):
        return tf.math.divide_no_nan(
            2.0 * self.num_right.value,
            self.num_true.value + self.num_guessed.value,
        )

    def get_config(self):
        return {
            **super().get_config(),
            "labels": self.labels,
            "scheme": self.scheme,
        }

    def _spans(self, label_ids, rows):
        """Returns int64 keys of first word, length and type of each span."""
        first, last = self._reader.read(label_ids, rows)
        types = tf.gather(self._type_ids, tf.gather(label_ids, first))
        num_types = tf.constant(len(self._type_ids), tf.int64)
        length = tf.cast(last - first, tf.int64)
        return (
            word_keys(first, 0) + length * num_types + tf.cast(types, tf.int64)
        )
