"""The published BERT tokenizer over tensorflow-text's WordPiece op."""

from collections.abc import Sequence

import tensorflow as tf

from keras_bert_zoo.tokenization import code_point_tables
from keras_bert_zoo.tokenization.fast_pieces import FastPieces
from keras_bert_zoo.tokenization.fast_pieces import FastSpeller
from keras_bert_zoo.tokenization.graph_normalizer import GraphNormalizer
from keras_bert_zoo.tokenization.token_spans import SpanTokenizer
from keras_bert_zoo.tokenization.token_spans import TokenSpans
from keras_bert_zoo.tokenization.token_spans import WordSpeller
from keras_bert_zoo.tokenization.vocabulary import Vocabulary


class FastTokenizer(tf.Module):
    """Splits texts into word pieces where tensorflow-text is at hand.

    Equal to `PythonTokenizer`, id for id and offset for offset. Normalizes
    like `GraphTokenizer`; only the spelling is tensorflow-text's, because its
    own normalization is not BERT's.

    Args:
        vocabulary: Vocabulary.
        lowercase: bool. True for uncased models.
        strip_accents: bool or None. None follows `lowercase`.

    Raises:
        InputError: if tensorflow-text cannot be imported.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        lowercase: bool,
        strip_accents: bool | None = None,
    ):
        super().__init__()
        self.vocabulary = vocabulary
        self.lowercase = lowercase
        self.strip_accents = strip_accents
        tables = code_point_tables.of_code_points(
            lowercase,
            lowercase if strip_accents is None else strip_accents,
        )
        words = WordSpeller(GraphNormalizer(tables), FastPieces(vocabulary))
        self._tokenizer = SpanTokenizer(
            FastSpeller(vocabulary, lowercase, words)
        )

    def tokenize(self, texts: tf.Tensor | Sequence[str]) -> tf.RaggedTensor:
        """Returns token ids, int32 (B, None), of string (B,).

        Ill-formed UTF-8 is read as U+FFFD, which is no part of any word.
        """
        return self._tokenizer.tokenize(texts)

    def tokenize_with_offsets(
        self, texts: tf.Tensor | Sequence[str]
    ) -> TokenSpans:
        """Returns token ids and their spans of string (B,)."""
        return self._tokenizer.tokenize_with_offsets(texts)
