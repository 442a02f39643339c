"""Base class of the TensorFlow engines: from subwords to ragged tokens."""

import dataclasses
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.tokenization.packing import row_ids
from keras_bert_zoo.tokenization.tokenizer import TokenSpans
from keras_bert_zoo.tokenization.wordpiece.normalizer import DecodedTexts
from keras_bert_zoo.tokenization.wordpiece.normalizer import NormalizedTexts
from keras_bert_zoo.tokenization.wordpiece.normalizer import Normalizer


@dataclasses.dataclass(frozen=True)
class Subwords:
    """The `P` subwords of a batch, in the order of the text.

    Attributes:
        ids: int32 (P,).
        starts: int32 (P,). First normalized character of each.
        ends: int32 (P,). One past its last normalized character.
    """

    ids: tf.Tensor
    starts: tf.Tensor
    ends: tf.Tensor


class WordPieceModel(tf.Module):
    """Normalizes texts to words, and splits words into subwords.

    Args:
        normalizer: Normalizer.
        split: callable from NormalizedTexts to Subwords.
    """

    def __init__(
        self,
        normalizer: Normalizer,
        split: Callable[[NormalizedTexts], Subwords],
    ):
        super().__init__()
        self._normalizer = normalizer
        self._split = split

    def ids(self, texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns ids, int32 (P,), and row splits, int64 (B + 1,)."""
        normalized = self._normalizer(texts)
        subwords = self._split(normalized)
        return subwords.ids, _row_splits(subwords, normalized)

    def spans(self, texts: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Returns the five columns of `TokenSpans`, flat, and row splits."""
        decoded, normalized = self._normalizer.with_origins(texts)
        subwords = self._split(normalized)
        row_splits = _row_splits(subwords, normalized)
        spans = _spans(decoded, normalized, subwords, row_splits)
        return subwords.ids, *spans, row_splits


class Engine(tf.Module):
    """Runs a WordPiece model eagerly, inside a graph or in tf.data.

    Ill-formed UTF-8 is read as U+FFFD, which is no part of any word.

    Args:
        model: has `ids` and `spans`, as `WordPieceModel` has.
    """

    def __init__(self, model: Any):
        super().__init__()
        self._model = model
        ids = _compiled(model.ids)
        spans = _compiled(model.spans)
        # In closures, so that saving a module that holds this one does not
        # write functions that its signatures do not call.
        self._ids = lambda texts: ids(texts)
        self._spans = lambda texts: spans(texts)

    def tokenize(self, texts: tf.Tensor | Sequence[str]) -> tf.RaggedTensor:
        """Returns token ids, int32 (B, None), of string (B,)."""
        return _ragged(*self._ids(_as_texts(texts)))

    def tokenize_with_offsets(
        self, texts: tf.Tensor | Sequence[str]
    ) -> TokenSpans:
        """Returns token ids and their spans of string (B,)."""
        *columns, row_splits = self._spans(_as_texts(texts))
        return TokenSpans(*(_ragged(column, row_splits) for column in columns))


def _compiled(function):
    def on_cpu(texts):
        with tf.device("CPU:0"):
            return function(texts)

    signature = [tf.TensorSpec([None], tf.string)]
    return tf.function(on_cpu, signature, autograph=False)


def _spans(
    decoded: DecodedTexts,
    normalized: NormalizedTexts,
    subwords: Subwords,
    row_splits: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    first = tf.gather(normalized.origins, subwords.starts)
    # The next character always exists: a space ends every text.
    after = tf.gather(normalized.origins, subwords.ends - 1) + 1
    text_starts = tf.gather(
        decoded.row_splits, row_ids(_ragged(subwords.ids, row_splits))
    )
    return (
        tf.gather(decoded.byte_starts, first),
        tf.gather(decoded.byte_starts, after),
        first - text_starts,
        after - text_starts,
    )


def _row_splits(subwords, normalized):
    return tf.searchsorted(
        subwords.starts, normalized.row_splits, out_type=tf.int64
    )


def _ragged(values, row_splits):
    return tf.RaggedTensor.from_row_splits(values, row_splits, validate=False)


def _as_texts(texts):
    try:
        texts = tf.convert_to_tensor(texts, tf.string)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"Texts must be a list of str. Received: {texts!r:.80}. Decode "
            "bytes as UTF-8, and leave out what is not text."
        ) from error
    if texts.shape.rank not in (1, None):
        raise InputError(
            "Texts must have shape (B,). Received: shape "
            f"{tuple(texts.shape)}. Wrap one text in a list."
        )
    return texts
