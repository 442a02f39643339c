"""From flat pieces back to one row of tokens per text."""

import dataclasses
from collections.abc import Callable
from collections.abc import Sequence
from typing import Protocol

import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.tokenization.graph_normalizer import DecodedTexts
from keras_bert_zoo.tokenization.graph_normalizer import GraphNormalizer
from keras_bert_zoo.tokenization.graph_normalizer import NormalizedTexts
from keras_bert_zoo.tokenization.graph_pieces import Pieces
from keras_bert_zoo.tokenization.ragged_rows import row_ids


@dataclasses.dataclass(frozen=True)
class TokenSpans:
    """The tokens of `B` texts and where they stand, all int32 (B, None).

    Starts are inclusive, ends exclusive, both counted in the user's own
    string; bytes are those of its UTF-8 form.
    """

    ids: tf.RaggedTensor
    byte_starts: tf.RaggedTensor
    byte_ends: tf.RaggedTensor
    char_starts: tf.RaggedTensor
    char_ends: tf.RaggedTensor


class Speller(Protocol):
    """Tokenizes string (B,) inside a graph, to flat tensors."""

    def ids(self, texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns ids, int32 (P,), and row splits, int64 (B + 1,)."""

    def spans(self, texts: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Returns the five columns of `TokenSpans`, flat, and row splits."""


class WordSpeller(tf.Module):
    """Normalizes texts to words and spells them.

    Args:
        normalizer: GraphNormalizer.
        spell: callable from NormalizedTexts to Pieces.
    """

    def __init__(
        self,
        normalizer: GraphNormalizer,
        spell: Callable[[NormalizedTexts], Pieces],
    ):
        super().__init__()
        self._normalizer = normalizer
        self._spell = spell

    def ids(self, texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        normalized = self._normalizer(texts)
        pieces = self._spell(normalized)
        return pieces.ids, _row_splits(pieces, normalized)

    def spans(self, texts: tf.Tensor) -> tuple[tf.Tensor, ...]:
        decoded, normalized = self._normalizer.with_origins(texts)
        pieces = self._spell(normalized)
        row_splits = _row_splits(pieces, normalized)
        spans = _spans(decoded, normalized, pieces, row_splits)
        return pieces.ids, *spans, row_splits


class SpanTokenizer(tf.Module):
    """Runs a speller eagerly, inside a graph or in a tf.data pipeline.

    Args:
        speller: Speller.
    """

    def __init__(self, speller: Speller):
        super().__init__()
        self._speller = speller
        ids = _compiled(speller.ids)
        spans = _compiled(speller.spans)
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
    pieces: Pieces,
    row_splits: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    first = tf.gather(normalized.origins, pieces.starts)
    # The next character always exists: a space ends every text.
    after = tf.gather(normalized.origins, pieces.ends - 1) + 1
    text_starts = tf.gather(
        decoded.row_splits, row_ids(_ragged(pieces.ids, row_splits))
    )
    return (
        tf.gather(decoded.byte_starts, first),
        tf.gather(decoded.byte_starts, after),
        first - text_starts,
        after - text_starts,
    )


def _row_splits(pieces, normalized):
    return tf.searchsorted(
        pieces.starts, normalized.row_splits, out_type=tf.int64
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
