"""Keras metrics of words and spans; their shapes are static, as XLA wants."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from keras_bert_zoo.training.token_means import TokenMean
from keras_bert_zoo.training.token_means import token_weights
from task_heads.tagging import crf
from task_heads.tagging.decoding import SpanReader


def best_tags(outputs, is_word) -> tf.Tensor:
    """Returns the best tag of each word, int32 `(R, S)`.

    Args:
        outputs: float `(R, S, L)` logits, or `(R, S, L + 1, L)` potentials.
        is_word: bool `(R, S)`.
    """
    if len(outputs.shape) == 3:
        return tf.argmax(outputs, axis=-1, output_type=tf.int32)
    return crf.best_path(outputs, is_word)


@keras.saving.register_keras_serializable(package="task_heads")
class WordAccuracy(TokenMean):
    """Fraction of words with the right tag, each as it weighs.

    Call arguments of `update_state`: see `SpanF1`.
    """

    def __init__(self, name: str = "accuracy", **kwargs):
        super().__init__(name=name, **kwargs)
        self._direction = "up"

    def update_state(self, y_true, y_pred, sample_weight=None):
        is_word = token_weights(y_true, sample_weight) > 0
        right = tf.cast(y_true, tf.int32) == best_tags(y_pred, is_word)
        super().update_state(tf.cast(right, self.dtype), sample_weight)


@keras.saving.register_keras_serializable(package="task_heads")
class SpanF1(keras.metrics.Metric):
    """Micro F1 of spans, read leniently, over all sequences.

    It equals the score of whole texts where each is one sequence; a span
    across two windows of a long text counts as two.

    Args:
        labels: list of str. Tags in the order of their ids.
        scheme: str. Their scheme.

    Call arguments of `update_state`:
        y_true: int `(R, S)` label ids.
        y_pred: float `(R, S, L)` logits or `(R, S, L + 1, L)` potentials.
        sample_weight: float `(R, S)`, above 0 for the tokens that count; or
            `(R,)` for whole sequences.
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
        # One more than there are labels: behind the words stands none.
        self._type_ids = [types.index(name) for name in self._reader.types]
        self._type_ids.append(-1)
        self.num_right, self.num_true, self.num_guessed = (
            self.add_variable((), "zeros", name=part)
            for part in ("num_right", "num_true", "num_guessed")
        )

    def update_state(self, y_true, y_pred, sample_weight=None):
        is_word = token_weights(y_true, sample_weight) > 0
        both = [tf.cast(y_true, tf.int32), best_tags(y_pred, is_word)]
        spans = self._spans(tf.concat(both, 0), tf.concat([is_word] * 2, 0))
        truth, guess = tf.split(spans, 2, axis=1)
        right = tf.reduce_all(tf.equal(truth, guess), axis=0) & (truth[0] >= 0)
        for total, flags in (
            (self.num_right, right),
            (self.num_true, truth[0] >= 0),
            (self.num_guessed, guess[0] >= 0),
        ):
            total.assign_add(tf.math.count_nonzero(flags, dtype=total.dtype))

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

    def _spans(self, tags, is_word):
        """Returns type and end of the span that starts at each word.

        Int32 `(2, R, S)`, words first in each sequence; -1 where none starts.
        """
        num_words = tf.math.count_nonzero(is_word, 1, True, dtype=tf.int32)
        position = tf.broadcast_to(tf.range(tf.shape(tags)[1]), tf.shape(tags))
        outside = len(self.labels)
        tags = crf.words_first(tags, is_word)
        tags = tf.where(position < num_words, tags, outside)
        edge = tf.fill([tf.shape(tags)[0], 1], outside)
        starts = self._reader.starts(tf.concat([edge, tags[:, :-1]], 1), tags)
        ends = self._reader.ends(tags, tf.concat([tags[:, 1:], edge], 1))
        # The n-th span to start is the n-th to end.
        number = tf.cumsum(tf.cast(starts, tf.int32), axis=1) - 1
        ends = tf.sort(tf.where(ends, position, tf.shape(tags)[1]), axis=1)
        end = tf.gather(ends, tf.maximum(number, 0), batch_dims=1)
        spans = tf.stack([tf.gather(self._type_ids, tags), end])
        return tf.where(starts, spans, -1)
