"""From logits to tagged words and spans, in ops of a serving graph.

Letters: `B` texts, `W` words of a text, `E` spans of a text, `R` sequences,
`S` tokens of a sequence, `L` labels.
"""

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert_zoo import feature_names
from keras_bert_zoo.task import TensorInfo
from keras_bert_zoo.tokenization.packing import row_ids
from task_heads.tagging.schemes import OUTSIDE
from task_heads.tagging.schemes import entities
from task_heads.tagging.schemes import letter_and_type

_OUTPUTS = (
    ("num_spans", "int32", (None,), "spans found in the text"),
    ("span", "string", (None, None), "each span as it stands in the text"),
    ("label", "string", (None, None), "its type"),
    ("score", "float32", (None, None), "mean probability of its words' tags"),
    ("byte_start", "int32", (None, None), "its first byte, UTF-8"),
    ("byte_end", "int32", (None, None), "the byte after its last"),
    ("char_start", "int32", (None, None), "its first character"),
    ("char_end", "int32", (None, None), "the character after its last"),
    ("num_words", "int32", (None,), "words of the text"),
    ("word", "string", (None, None), "each word, empty beyond num_words"),
    ("tag", "string", (None, None), "its tag"),
)


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


def outputs() -> tuple[TensorInfo, ...]:
    """Returns the description of what `decode_words` returns."""
    return tuple(TensorInfo(*output) for output in _OUTPUTS)


def decode_words(
    logits: tf.Tensor,
    context: Mapping[str, Any],
    labels: Sequence[str],
    read_words: Callable,
    reader: SpanReader,
    outside: int,
) -> dict:
    """Returns the words' tags and the spans, dense, padded with 0 and "".

    Args:
        logits: float32 `(R, S, ...)`, what the model gave.
        context: what `tagging_features` gave, with `num_sequences`.
        labels: list of str. Tags in the order of the logits.
        read_words: function such as `SoftmaxOutput.read_words`.
        reader: `SpanReader` of the labels.
        outside: int. Label of words without tokens.
    """
    position = context["word_position"]
    texts = row_ids(position)
    before = tf.cumsum(context[feature_names.NUM_SEQUENCES], exclusive=True)
    sequence = tf.gather(tf.cast(before, tf.int32), texts)
    sequence += context["word_sequence"].flat_values
    exists = position.flat_values >= 0
    indices = tf.stack([sequence, tf.maximum(position.flat_values, 0)], axis=1)
    best, probability = read_words(
        tf.gather_nd(logits, indices), position.with_flat_values(exists)
    )
    best = tf.where(exists, best, outside)
    probability = tf.where(exists, probability, 0.0)

    # Words without tokens are in no span, whatever their label.
    first, last = reader.read(tf.where(exists, best, len(labels)), texts)
    owner = tf.gather(texts, first)
    spans = {
        name: tf.gather(context[f"word_{name}"].flat_values, word)
        for name, word in (
            ("byte_start", first),
            ("byte_end", last),
            ("char_start", first),
            ("char_end", last),
        )
    }
    inside = tf.gather(probability, tf.ragged.range(first, last + 1))
    spans["score"] = tf.math.unsorted_segment_sum(
        inside.flat_values, row_ids(inside), inside.nrows()
    ) / tf.cast(inside.row_lengths(), probability.dtype)
    spans["label"] = tf.gather(
        tf.constant(reader.types), tf.gather(best, first)
    )
    spans["span"] = tf.strings.substr(
        tf.gather(context["text"], owner),
        spans["byte_start"],
        spans["byte_end"] - spans["byte_start"],
    )
    num_texts = tf.size(context["text"], tf.int64)
    by_text = tf.RaggedTensor.from_value_rowids(
        spans["span"], owner, num_texts, validate=False
    )
    rows = {
        name: by_text.with_flat_values(values) for name, values in spans.items()
    }
    word_starts = context["word_byte_start"].flat_values
    word_ends = context["word_byte_end"].flat_values
    words = tf.strings.substr(
        tf.gather(context["text"], texts), word_starts, word_ends - word_starts
    )
    rows["word"] = position.with_flat_values(words)
    rows["tag"] = position.with_flat_values(
        tf.gather(tf.constant(labels), best)
    )
    return {
        **{name: values.to_tensor() for name, values in rows.items()},
        "num_spans": tf.cast(rows["span"].row_lengths(), tf.int32),
        "num_words": tf.cast(position.row_lengths(), tf.int32),
    }


def word_answers(decoded: Mapping[str, Any]) -> list[dict]:
    """Returns a dict for each text, from decoded NumPy arrays.

    Each has `spans`, a list of dicts (`text`, `label`, `score`, `start`,
    `end` in characters), and `words` and their `tags`, as lists.
    """
    return [
        {
            "spans": [
                {
                    "text": decoded["span"][row][index].decode(),
                    "label": decoded["label"][row][index].decode(),
                    "score": float(decoded["score"][row][index]),
                    "start": int(decoded["char_start"][row][index]),
                    "end": int(decoded["char_end"][row][index]),
                }
                for index in range(decoded["num_spans"][row])
            ],
            "words": _strings(decoded["word"][row], num_words),
            "tags": _strings(decoded["tag"][row], num_words),
        }
        for row, num_words in enumerate(decoded["num_words"])
    ]


def _strings(values, count: int) -> list[str]:
    return [value.decode() for value in values[:count]]
