"""The published BERT tokenizer in core TensorFlow ops."""

from collections.abc import Sequence

import tensorflow as tf

from keras_bert_zoo.tokenization import code_point_tables
from keras_bert_zoo.tokenization import piece_trie
from keras_bert_zoo.tokenization.graph_normalizer import GraphNormalizer
from keras_bert_zoo.tokenization.graph_pieces import GraphPieces
from keras_bert_zoo.tokenization.token_spans import SpanTokenizer
from keras_bert_zoo.tokenization.token_spans import TokenSpans
from keras_bert_zoo.tokenization.token_spans import WordSpeller
from keras_bert_zoo.tokenization.vocabulary import Vocabulary


class GraphTokenizer(tf.Module):
    """Splits texts into word pieces wherever a TensorFlow graph runs.

    Equal to `PythonTokenizer`, id for id and offset for offset. Its constants
    are part of the graph: no asset files, no custom ops.

    Args:
        vocabulary: Vocabulary.
        lowercase: bool. True for uncased models.
        strip_accents: bool or None. None follows `lowercase`.

    Raises:
        InputError: if the vocabulary has 2**24 tokens or more.
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
        trie = piece_trie.build(vocabulary)
        tables = code_point_tables.of_symbols(
            lowercase,
            lowercase if strip_accents is None else strip_accents,
            trie.symbols,
        )
        self._tokenizer = SpanTokenizer(
            WordSpeller(
                GraphNormalizer(tables),
                GraphPieces(trie, vocabulary.unknown_id),
            )
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
